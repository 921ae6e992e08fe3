/** A window that goes away before anything was sent. */
import { cut, NOTE, NOTE_ROUTE, noteShared, reconnect, sameOnAll, told, type Scenario } from './scenario.ts';

const WRITTEN = 'The key is under the third stone.';

export const crashBeforeSync: Scenario = {
  id: 'crash-before-sync',
  title: 'Crash before sync',
  question: 'Bruno writes without a network, and his window is gone the moment it says “saved”. What is left?',
  cast: ['anna', 'bruno'],
  shows: NOTE_ROUTE,
  steps: [
    noteShared('anna', { title: 'Where is the key?' }),
    cut('bruno'),
    {
      text: 'Bruno writes. The moment it is saved his window is torn away, and then opened again.',
      by: ['bruno'],
      async run(stage) {
        await stage.device('bruno').db.notes.update(NOTE, { body: WRITTEN });
        await stage.crash('bruno');
      },
      claim: {
        text: 'His words are still there, and still wait to be sent.',
        async check(stage) {
          const { db } = stage.device('bruno');
          const body = (await db.notes.get(NOTE))?.body;
          const waiting = db.outbox$.value.length;
          return { holds: body === WRITTEN && waiting === 1, found: `“${body ?? 'no note'}”, ${waiting} to send` };
        },
      },
    },
    reconnect('bruno'),
  ],
  claims: [
    {
      text: 'Anna has them, once: one edit in the history of both, and nothing waits any more.',
      async check(stage) {
        const edits = await sameOnAll(stage, async (db) => {
          const revisions = await db.notes.history(NOTE);
          return revisions.filter(({ values }) => values.body === WRITTEN).length;
        });
        const waiting = stage.device('bruno').db.outbox$.value.length;
        return {
          holds: edits === 1 && waiting === 0,
          found: `${await told(stage, async (db) => `“${(await db.notes.get(NOTE))?.body}”`)}; ${waiting} to send`,
        };
      },
    },
  ],
};
