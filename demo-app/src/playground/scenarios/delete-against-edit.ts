/** One deletes what the other is writing in. */
import type { DeleteConflict } from '@skerry/sdk';

import type { DemoDb } from '../../data/schema.ts';
import { cut, edit, NOTE, NOTE_ROUTE, noteShared, reconnect, sameOnAll, told, type Scenario } from './scenario.ts';

const WRITTEN = 'Coats, rope, the paper chart, and the key of the boat.';

export const deleteAgainstEdit: Scenario = {
  id: 'delete-against-edit',
  title: 'Delete against edit',
  question: 'One deletes a note while the other writes in it. Is the work gone?',
  cast: ['anna', 'bruno'],
  shows: NOTE_ROUTE,
  steps: [
    noteShared('anna', { title: 'Packing list' }),
    cut('anna', 'bruno'),
    {
      text: 'Anna deletes the note.',
      by: ['anna'],
      run: (stage) => stage.device('anna').db.notes.delete(NOTE),
      claim: {
        text: 'For Anna it is gone at once; she waits for nobody.',
        async check(stage) {
          const note = await stage.device('anna').db.notes.get(NOTE);
          return { holds: note === undefined, found: note ? 'Anna still has it' : 'Anna has no such note' };
        },
      },
    },
    edit('bruno', 'Bruno writes the list into it.', { body: WRITTEN }),
    reconnect('anna', 'bruno'),
  ],
  claims: [
    {
      text: 'What Bruno wrote is not gone: the note is there again, on both, with his list.',
      async check(stage) {
        const body = await sameOnAll(stage, async (db) => (await db.notes.get(NOTE))?.body);
        return {
          holds: body === WRITTEN,
          found: await told(stage, async (db) => (await db.notes.get(NOTE))?.body ?? 'the note is gone'),
        };
      },
    },
    {
      text: 'Both are asked the same: keep it, or delete it?',
      async check(stage) {
        const asked = await sameOnAll(stage, (db) => deleteOf(db)?.id);
        return {
          holds: asked !== null,
          found: await told(stage, (db) => {
            const question = deleteOf(db);
            return question
              ? `deleted by ${question.deleted.user?.name}, edited by ${question.edited.user?.name}`
              : 'nothing is asked';
          }),
        };
      },
    },
  ],
};

function deleteOf(db: DemoDb): DeleteConflict | undefined {
  return db.conflicts$.value.find(
    (conflict): conflict is DeleteConflict => conflict.kind === 'delete' && conflict.rowId === NOTE,
  );
}
