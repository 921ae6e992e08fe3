/**
 * Everything that can happen in a world, as plain data: what is drawn from the seed, run, left out when a failure is
 * made smaller, and printed. Devices and servers are named by their place; a place that is not taken means another one.
 */
import type { Dice } from './dice.ts';

export type Mood = 'unreachable' | 'deaf' | 'mute' | 'slow' | 'stuttering';

export type Action =
  /** A transaction of one tab. `isTold`: whether the syncing context hears of it. */
  | OnDevice<{ readonly do: 'write'; readonly tab: number; readonly dice: number; readonly isTold: boolean }>
  | OnDevice<{ readonly do: 'decide'; readonly tab: number; readonly dice: number; readonly isTold: boolean }>
  /** `isLate`: what was on its way to the server still arrives there. */
  | OnDevice<{ readonly do: 'cut'; readonly isLate: boolean }>
  /** The next frame, up or down, ends after so much of it, and its connection with it. */
  | OnDevice<{ readonly do: 'truncate'; readonly direction: 'up' | 'down'; readonly part: number }>
  | OnDevice<{ readonly do: 'mood'; readonly mood: Mood; readonly forMs: number; readonly isCut: boolean }>
  | OnDevice<{ readonly do: 'crash'; readonly backMs: number }>
  | OnDevice<{ readonly do: 'restart' }>
  /** `isLate`: what was on its way to the server that is left still arrives there. */
  | OnDevice<{ readonly do: 'move'; readonly server: number; readonly isLate: boolean }>
  /** Sends what the server takes and another one would not, and is at that one before it has an answer. */
  | OnDevice<{
      readonly do: 'flee';
      readonly tab: number;
      readonly dice: number;
      readonly server: number;
      readonly afterMs: number;
    }>
  /** Writes in both tabs, one after the other: the first is sent, the second not before it is at another server. */
  | OnDevice<{
      readonly do: 'hand-over';
      readonly tab: number;
      readonly dice: number;
      readonly server: number;
      readonly afterMs: number;
    }>
  | OnDevice<{ readonly do: 'back-up' }>
  | OnDevice<{ readonly do: 'put-back'; readonly backup: number }>
  /** What was written last is lost with the power; what was sent is not. */
  | OnDevice<{ readonly do: 'lose-tail' }>
  | OnDevice<{ readonly do: 'clone' }>
  | OnDevice<{ readonly do: 'skew'; readonly ms: number }>
  | OnDevice<{ readonly do: 'fill'; readonly forMs: number }>
  | OnDevice<{ readonly do: 'corrupt'; readonly dice: number }>
  | OnDevice<{ readonly do: 'start-over' }>
  | OnServer<{ readonly do: 'kill'; readonly times: number; readonly dice: number }>
  | OnServer<{ readonly do: 'stop'; readonly forMs: number }>
  | OnServer<{ readonly do: 'skew-server'; readonly ms: number }>
  | OnServer<{ readonly do: 'back-up-server' }>
  /** `isCareless`: the operator does not give it a new identity. `away`: the device that hears of it late. */
  | OnServer<{
      readonly do: 'restore-server';
      readonly isCareless: boolean;
      readonly away: number;
      readonly awayMs: number;
    }>
  | OnServer<{ readonly do: 'lose-server' }>
  | { readonly do: 'evict' }
  | { readonly do: 'partition'; readonly dice: number; readonly forMs: number };

type OnDevice<T> = T & { readonly device: number };
type OnServer<T> = T & { readonly server: number };

/** Most devices that a world comes to, clones included. */
export const MOST_DEVICES = 6;

const HOUR_MS = 3_600_000;

export function drawAction(dice: Dice): Action {
  const device = dice.below(MOST_DEVICES);
  const server = dice.below(4);
  return dice.weighted(ACTIONS)({ dice, device, server });
}

interface Drawn {
  readonly dice: Dice;
  readonly device: number;
  readonly server: number;
}

const ACTIONS: readonly (readonly [weight: number, draw: (drawn: Drawn) => Action])[] = [
  [
    520,
    ({ dice, device }) => ({ do: 'write', device, tab: dice.below(2), dice: dice.seed(), isTold: dice.chance(0.9) }),
  ],
  [
    90,
    ({ dice, device }) => ({ do: 'decide', device, tab: dice.below(2), dice: dice.seed(), isTold: dice.chance(0.9) }),
  ],
  [50, ({ dice, device }) => ({ do: 'cut', device, isLate: dice.chance(0.4) })],
  [12, ({ dice, device }) => ({ do: 'truncate', device, direction: dice.pick(['up', 'down']), part: dice.fraction() })],
  [
    110,
    ({ dice, device }) => ({
      do: 'mood',
      device,
      mood: dice.pick(['unreachable', 'deaf', 'mute', 'slow', 'stuttering']),
      forMs: dice.fraction() * (dice.chance(0.15) ? 20 * 60_000 : 20_000),
      isCut: dice.chance(0.3),
    }),
  ],
  [35, ({ dice, device }) => ({ do: 'crash', device, backMs: dice.fraction() * 5_000 })],
  [25, ({ device }) => ({ do: 'restart', device })],
  [90, ({ dice, device, server }) => ({ do: 'move', device, server, isLate: dice.chance(0.6) })],
  [
    20,
    ({ dice, device, server }) => ({
      do: 'flee',
      device,
      tab: dice.below(2),
      dice: dice.seed(),
      server,
      afterMs: dice.below(100),
    }),
  ],
  [
    20,
    ({ dice, device, server }) => ({
      do: 'hand-over',
      device,
      tab: dice.below(2),
      dice: dice.seed(),
      server,
      afterMs: 50 + dice.below(300),
    }),
  ],
  [15, ({ device }) => ({ do: 'back-up', device })],
  [12, ({ dice, device }) => ({ do: 'put-back', device, backup: dice.below(8) })],
  [10, ({ device }) => ({ do: 'lose-tail', device })],
  [8, ({ device }) => ({ do: 'clone', device })],
  [14, ({ dice, device }) => ({ do: 'skew', device, ms: dice.pick(DEVICE_SKEWS) })],
  [10, ({ dice, device }) => ({ do: 'fill', device, forMs: dice.fraction() * 10_000 })],
  [8, ({ dice, device }) => ({ do: 'corrupt', device, dice: dice.seed() })],
  [8, ({ device }) => ({ do: 'start-over', device })],
  [40, ({ dice, server }) => ({ do: 'kill', server, times: dice.chance(0.25) ? 5 : 1, dice: dice.seed() })],
  [20, ({ dice, server }) => ({ do: 'stop', server, forMs: dice.fraction() * 60_000 })],
  [5, ({ dice, server }) => ({ do: 'skew-server', server, ms: dice.pick(SERVER_SKEWS) })],
  [8, ({ server }) => ({ do: 'back-up-server', server })],
  [
    6,
    ({ dice, server }) => ({
      do: 'restore-server',
      server,
      isCareless: dice.chance(0.5),
      away: dice.below(MOST_DEVICES),
      awayMs: dice.fraction() * 120_000,
    }),
  ],
  [4, ({ server }) => ({ do: 'lose-server', server })],
  [15, () => ({ do: 'evict' })],
  [30, ({ dice }) => ({ do: 'partition', dice: dice.seed(), forMs: dice.fraction() * 60_000 })],
];

const DEVICE_SKEWS = [0, HOUR_MS, -HOUR_MS, 365 * 24 * HOUR_MS, -365 * 24 * HOUR_MS, 30_000, 90_000];
/** Servers' clocks are kept by NTP: wrong by seconds, or by a few minutes when that fails. */
export const MOST_SKEW_MS = 240_000;
const SERVER_SKEWS = [0, 20_000, -20_000, MOST_SKEW_MS, -MOST_SKEW_MS];
