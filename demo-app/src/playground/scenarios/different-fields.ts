/** Two people, one note, different fields of it: there is nothing to ask. */
import { cut, edit, NOTE, NOTE_ROUTE, noteShared, reconnect, sameOnAll, told, type Scenario } from './scenario.ts';

const MERGED = {
  title: 'Sailing trip',
  body: 'Leave before noon.',
  tags: ['bring rope', 'harbour', 'trip'],
  pinned: true,
};

export const differentFields: Scenario = {
  id: 'different-fields',
  title: 'Different fields',
  question:
    'One renames a note and tags it, the other writes its text, tags it and pins it. Does anybody have to be asked?',
  cast: ['anna', 'bruno'],
  shows: NOTE_ROUTE,
  steps: [
    noteShared('anna', { tags: ['trip'] }),
    cut('anna', 'bruno'),
    edit('anna', 'Anna renames it and adds a tag.', { title: MERGED.title, tags: ['trip', 'harbour'] }),
    edit('bruno', 'Bruno writes the text, adds another tag and pins it.', {
      body: MERGED.body,
      tags: ['trip', 'bring rope'],
      pinned: true,
    }),
    reconnect('anna', 'bruno'),
  ],
  claims: [
    {
      text: 'Everything that both did is on both devices: her title, his text, both tags and the pin.',
      async check(stage) {
        const note = await sameOnAll(stage, async (db) => {
          const { title, body, tags, pinned } = (await db.notes.get(NOTE))!;
          return { title, body, tags: tags.toSorted(), pinned };
        });
        return {
          holds: JSON.stringify(note) === JSON.stringify(MERGED),
          found: await told(stage, async (db) => {
            const { title, body, tags, pinned } = (await db.notes.get(NOTE))!;
            return `${title} · ${body || 'no text'} · ${tags.toSorted().join(', ')}${pinned ? ' · pinned' : ''}`;
          }),
        };
      },
    },
    {
      text: 'Nobody is asked anything.',
      async check(stage) {
        const open = stage.devices.map(({ db }) => db.conflicts$.value.length);
        return {
          holds: open.every((count) => count === 0),
          found: await told(stage, (db) => `${db.conflicts$.value.length} to decide`),
        };
      },
    },
  ],
};
