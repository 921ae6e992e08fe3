/** Two people, one title: nobody's word is thrown away. */
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

const WORDS = ['unicorn', 'universe'];

export const sameField: Scenario = {
  id: 'same-field',
  title: 'Same field',
  question: 'Two people change one title while neither can see the other. Whose word is lost?',
  cast: ['anna', 'bruno'],
  shows: NOTE_ROUTE,
  steps: [
    noteShared('anna', { title: 'A word', body: 'Which one shall it be?' }),
    cut('anna', 'bruno'),
    edit('anna', 'Anna calls it “universe”.', { title: 'universe' }),
    edit('bruno', 'Bruno calls it “unicorn”.', { title: 'unicorn' }),
    reconnect('anna', 'bruno'),
  ],
  claims: [
    {
      text: 'Neither word is lost: both people see both, as one question that either of them can answer for both.',
      async check(stage) {
        const asked = await sameOnAll(stage, (db) => {
          const question = questionAbout(db, 'title');
          return question
            ? { id: question.id, words: question.versions.map(({ value }) => value['title']).toSorted() }
            : null;
        });
        return {
          holds: JSON.stringify(asked?.words) === JSON.stringify(WORDS),
          found: await told(stage, (db) => {
            const versions = questionAbout(db, 'title')?.versions ?? [];
            return versions.length > 0 ? versions.map(({ value }) => value['title']).join(' or ') : 'nothing is asked';
          }),
        };
      },
    },
    {
      text: 'Until somebody decides, both show the same one of the two.',
      async check(stage) {
        const shown = await sameOnAll(stage, async (db) => (await db.notes.get(NOTE))?.title);
        return {
          holds: shown !== null && WORDS.includes(shown ?? ''),
          found: await told(stage, async (db) => (await db.notes.get(NOTE))?.title ?? 'no note'),
        };
      },
    },
  ],
};
