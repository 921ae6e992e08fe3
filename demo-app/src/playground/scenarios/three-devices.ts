/** Three leaders, who come back one after the other. */
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

const TITLES = ['Island', 'Lighthouse', 'Seals'];
const TAGS = ['coffee', 'ropes', 'sandwiches'];

export const threeDevices: Scenario = {
  id: 'three-devices',
  title: 'Three devices',
  question: 'Three people write apart and come back one by one. Does the order in which they return decide anything?',
  cast: ['anna', 'bruno', 'clara'],
  shows: NOTE_ROUTE,
  steps: [
    noteShared('anna', { title: 'Where to?' }),
    cut('anna', 'bruno', 'clara'),
    edit('anna', 'Anna wants to see the lighthouse, and brings ropes.', { title: 'Lighthouse', tags: ['ropes'] }),
    edit('bruno', 'Bruno wants to see the seals, and brings coffee.', { title: 'Seals', tags: ['coffee'] }),
    edit('clara', 'Clara wants to go to the island, and brings sandwiches.', { title: 'Island', tags: ['sandwiches'] }),
    { ...reconnect('clara'), text: 'Clara comes back first, who wrote last.' },
    { ...reconnect('anna'), text: 'Anna comes back.' },
    { ...reconnect('bruno'), text: 'Bruno comes back.' },
  ],
  claims: [
    {
      text: 'All three have the same question with three answers: nobody was overruled by coming late.',
      async check(stage) {
        const asked = await sameOnAll(stage, (db) => {
          const question = questionAbout(db, 'title');
          return question
            ? { id: question.id, titles: question.versions.map(({ value }) => value['title']).toSorted() }
            : null;
        });
        return {
          holds: JSON.stringify(asked?.titles) === JSON.stringify(TITLES),
          found: await told(stage, (db) => {
            const versions = questionAbout(db, 'title')?.versions ?? [];
            return (
              versions
                .map(({ value }) => value['title'])
                .toSorted()
                .join(', ') || 'nothing is asked'
            );
          }),
        };
      },
    },
    {
      text: 'What all three bring adds up without a question.',
      async check(stage) {
        const tags = await sameOnAll(stage, async (db) => (await db.notes.get(NOTE))?.tags.toSorted());
        return {
          holds: JSON.stringify(tags) === JSON.stringify(TAGS),
          found: await told(stage, async (db) => (await db.notes.get(NOTE))?.tags.toSorted().join(', ') ?? 'no note'),
        };
      },
    },
  ],
};
