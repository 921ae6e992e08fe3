/**
 * One run of a scenario: a space of its own on the server, devices with fresh databases, what was heard of them, and the
 * stage on which the scenario plays.
 */
import { BehaviorSubject } from 'rxjs';

import { CAST, type DeviceId } from './cast.ts';
import { createFrameDevice, type FrameDevice } from './frame-device.ts';
import type { Scenario, Stage } from './scenarios/scenario.ts';
import { hear, NOTHING_HEARD, type Heard, type Recording } from './timeline/recording.ts';
import { until } from './until.ts';

export interface Run {
  readonly space: string;
  readonly devices$: BehaviorSubject<readonly FrameDevice[]>;
  readonly recording$: BehaviorSubject<Recording>;
  readonly stage: Stage;
  /** One more device in the same space. */
  add(id: DeviceId): void;
}

const SETTLE_MS = 15_000;

export function createRun(scenario: Pick<Scenario, 'cast' | 'clocks'>, space: string): Run {
  const recording$ = new BehaviorSubject<Recording>(NOTHING_HEARD);
  const tell = (heard: Heard): void => {
    const next = hear(recording$.value, heard);
    if (next !== recording$.value) recording$.next(next);
  };
  const create = (id: DeviceId): FrameDevice =>
    createFrameDevice({
      character: CAST[id],
      space,
      clockAheadMinutes: scenario.clocks?.[id] ?? 0,
      tell,
    });
  const devices$ = new BehaviorSubject<readonly FrameDevice[]>(scenario.cast.map(create));

  const device = (id: DeviceId): FrameDevice => devices$.value.find((one) => one.id === id)!;
  const setCut = async (cut: boolean, ids: readonly DeviceId[]): Promise<void> => {
    for (const one of ids.map(device)) {
      one.cut(cut);
      await until(one.db.status$, ({ connection }) => (connection === 'paused') === cut || null, {
        ms: SETTLE_MS,
        failure: `the network of ${one.device} could not be ${cut ? 'cut' : 'switched on'}`,
      });
    }
  };
  return {
    space,
    devices$,
    recording$,
    add: (id) => devices$.next([...devices$.value, create(id)]),
    stage: {
      get devices() {
        return devices$.value;
      },
      device,
      cut: (...ids) => setCut(true, ids),
      connect: (...ids) => setCut(false, ids),
      async settled() {
        // Twice: what one device sends is news for the others.
        for (let round = 0; round < 2; round++) {
          const connected = devices$.value.filter(({ db }) => db.status$.value.connection !== 'paused');
          await Promise.all(connected.map(({ db }) => db.sync.settled({ timeoutMs: SETTLE_MS })));
        }
      },
      crash: async (id) => void (await device(id).crash()),
      nowMs: () => Date.now(),
    },
  };
}
