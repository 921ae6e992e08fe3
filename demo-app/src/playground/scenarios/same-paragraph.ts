/** Two people in one paragraph: words apart are merged, and only the word that both changed is asked about. */
import {
  cut,
  edit,
  NOTE,
  NOTE_ROUTE,
  noteShared,
  questionAbout,
  reconnect,
  sameOnAll,
  told,
  type Scenario,
} from './scenario.ts';

const BODY = 'The boat leaves on Monday. It waits for us at the old pier. Bring a coat and be there at ten.';
const ANNAS = BODY.replace('Monday', 'Tuesday').replace('a coat', 'a coat, rope');
const BRUNOS = BODY.replace('Monday', 'Friday').replace('the old pier', 'the new pier');
/** What only one of them changed. */
const MERGED = ['rope', 'new pier'];

export const sameParagraph: Scenario = {
  id: 'same-paragraph',
  title: 'Same paragraph',
  question: 'Two people edit one paragraph. One word they both change; the rest does not touch. What is asked?',
  cast: ['anna', 'bruno'],
  shows: NOTE_ROUTE,
  steps: [
    noteShared('anna', { body: BODY }),
    cut('anna', 'bruno'),
    edit('anna', 'Anna writes Tuesday for Monday, and wants rope.', { body: ANNAS }),
    edit('bruno', 'Bruno writes Friday for Monday, and moves to the new pier.', { body: BRUNOS }),
    reconnect('anna', 'bruno'),
  ],
  claims: [
    {
      text: 'Words that only one of them changed are merged: the rope and the new pier are in the text of both.',
      async check(stage) {
        const body = await sameOnAll(stage, async (db) => (await db.notes.get(NOTE))?.body);
        return {
          holds: MERGED.every((words) => body?.includes(words)),
          found: await told(stage, async (db) => `“${(await db.notes.get(NOTE))?.body}”`),
        };
      },
    },
    {
      text: 'They are asked about one word, and about nothing else: Tuesday or Friday.',
      async check(stage) {
        const places = await sameOnAll(stage, (db) =>
          (questionAbout(db, 'body')?.hunks ?? []).map(({ versions }) => versions.map(wordOf).toSorted()),
        );
        return {
          holds: JSON.stringify(places) === JSON.stringify([['Friday', 'Tuesday']]),
          found: await told(stage, (db) => {
            const hunks = questionAbout(db, 'body')?.hunks ?? [];
            return hunks.map(({ versions }) => versions.map(wordOf).join(' or ')).join('; ') || 'nothing is asked';
          }),
        };
      },
    },
  ],
};

function wordOf(text: string): string {
  return text.trim().replace(/\.$/, '');
}
