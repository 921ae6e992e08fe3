/** A device from the future: what had been seen decides, and no clock. */
import { edit, NOTE, NOTE_ROUTE, noteShared, sameOnAll, told, type Scenario, type Stage } from './scenario.ts';

/** How far a stamp may be ahead of the server's clock: the bound of the protocol. */
const MOST_AHEAD_MS = 60_000;

export const wrongClock: Scenario = {
  id: 'wrong-clock',
  title: 'Wrong clock',
  question: 'Bruno’s clock is three hours ahead. Does his edit win for the next three hours?',
  cast: ['anna', 'bruno'],
  clocks: { bruno: 180 },
  shows: NOTE_ROUTE,
  steps: [
    noteShared('anna', { title: 'Leaving at ten' }),
    {
      text: 'Bruno, whose clock is three hours ahead, changes the title and pins the note. Anna sees it.',
      by: ['bruno'],
      async run(stage) {
        await stage.device('bruno').db.notes.update(NOTE, { title: 'Leaving at eleven', pinned: true });
        await stage.settled();
      },
    },
    {
      ...edit('anna', 'Anna, who has seen that, changes the title and takes the pin off.', {
        title: 'Leaving at noon',
        pinned: false,
      }),
    },
    { text: 'Bruno gets what Anna wrote.', by: ['bruno'], run: (stage) => stage.settled() },
  ],
  claims: [
    {
      text: 'Anna’s edit stands on both, without a question: she had seen Bruno’s, and that decides, not the clock.',
      async check(stage) {
        const note = await sameOnAll(stage, async (db) => {
          const { title, pinned } = (await db.notes.get(NOTE))!;
          return { title, pinned, open: db.conflicts$.value.length };
        });
        return {
          holds: JSON.stringify(note) === JSON.stringify({ title: 'Leaving at noon', pinned: false, open: 0 }),
          found: await told(stage, async (db) => {
            const { title, pinned } = (await db.notes.get(NOTE))!;
            return `${title}${pinned ? ', pinned' : ', not pinned'}, ${db.conflicts$.value.length} to decide`;
          }),
        };
      },
    },
    {
      text: 'Nothing is dated in the future: the SDK noticed how wrong the clock is, and corrects what it stamps.',
      async check(stage) {
        const dates = await Promise.all(stage.devices.map(({ db }) => latestMs(db)));
        const aheadMs = Math.max(...dates) - stage.nowMs();
        return {
          holds: aheadMs <= MOST_AHEAD_MS,
          found:
            aheadMs > MOST_AHEAD_MS
              ? `${Math.round(aheadMs / 60_000)} min ahead`
              : 'the latest edit is dated in the present',
        };
      },
    },
  ],
};

/** When the latest write of the note was made, as the device shows it. */
async function latestMs(db: Stage['devices'][number]['db']): Promise<number> {
  const revisions = await db.notes.history(NOTE);
  return Math.max(...revisions.map(({ at }) => at.getTime()));
}
