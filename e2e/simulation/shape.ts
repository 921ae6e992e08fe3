/** What a world is made of before anything happens in it: how many of what, connected how, remembering for how long. */
import type { Retention } from '@skerry/sdk/kernel';

import type { Dice } from './dice.ts';

export type ServerTopology = 'star' | 'ring' | 'all-to-all';

export interface Shape {
  readonly devices: number;
  readonly servers: number;
  readonly topology: ServerTopology;
  readonly retention: Retention;
  /** How often a server publishes, cuts its log and forgets. */
  readonly maintainMs: number;
  readonly entriesPerPage: number;
  readonly recordsPerPiece: number;
  /** Most time that a frame takes between servers. */
  readonly betweenMs: number;
  /** Most time that a server's commit takes. */
  readonly commitMs: number;
  /** Whether devices run different versions of the app. */
  readonly isMixed: boolean;
  /** Whether servers refuse some changes. */
  readonly refuses: boolean;
  /** Whether some of these changes are refused by some servers only: not where one is lost, whose rights nobody else has. */
  readonly disagrees: boolean;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const DAY = 1_440 * MINUTE;

export function shapeOf(dice: Dice): Shape {
  const servers = dice.weighted([
    [4, 1],
    [4, 2],
    [3, 3],
    [1, 4],
  ]);
  return {
    devices: 2 + dice.below(3) + (dice.chance(0.15) ? 2 : 0),
    servers,
    topology: dice.pick(['star', 'ring', 'all-to-all']),
    retention: {
      tombstoneMs: dice.pick([2 * SECOND, 15 * SECOND, MINUTE, 10 * MINUTE, 60 * DAY]),
      logMs: dice.pick([2 * SECOND, 20 * SECOND, 2 * MINUTE, 20 * MINUTE, 30 * DAY]),
    },
    maintainMs: dice.pick([SECOND, 5 * SECOND, 30 * SECOND]),
    entriesPerPage: 1 + dice.below(40),
    recordsPerPiece: 1 + dice.below(12),
    betweenMs: dice.pick([50, 2_000, 6_000]),
    commitMs: 1 + dice.below(40),
    isMixed: dice.chance(0.25),
    refuses: dice.chance(0.6),
    disagrees: dice.chance(0.4) && servers > 1,
  };
}

export function shapeInWords({ devices, servers, topology, retention, maintainMs, isMixed }: Shape): string {
  const between = servers > 1 ? ` (${topology})` : '';
  const kept = `deletes are kept ${inSeconds(retention.tombstoneMs)}, the log ${inSeconds(retention.logMs)}`;
  const versions = isMixed ? ', two versions of the app' : '';
  return `${devices} devices, ${servers} servers${between}, ${kept}, upkeep every ${inSeconds(maintainMs)}${versions}`;
}

function inSeconds(ms: number): string {
  return `${ms / SECOND} s`;
}
