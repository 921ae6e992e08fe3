/**
 * peers$: the devices whose changes this one has, itself included. It is made of what every page brings anyway (who
 * writes under an incarnation, and the last change of each that came), so it says what is known here and no more: a
 * device that only reads is not in it, and what a device has not sent yet nobody else can know.
 */
import { msOf } from '../core/clock.ts';
import { dotOf } from '../core/dot.ts';
import { incarnationMs } from '../lib/ids.ts';
import type { WriterRow } from '../store/layout.ts';
import type { Peer } from './types.ts';

export interface PeerParts {
  readonly writers: readonly WriterRow[];
  readonly deviceId: string;
  /** Changes of this device that the server has not confirmed. */
  readonly unsent: number;
  /** When this tab wrote last, in milliseconds since 1970; null: not yet. */
  readonly wroteMs: number | null;
}

/** This device first, then who was seen last. */
export function peersOf({ writers, deviceId, unsent, wroteMs }: PeerParts): readonly Peer[] {
  const devices = new Map<string, readonly WriterRow[]>();
  for (const row of writers) devices.set(row.device.id, [...(devices.get(row.device.id) ?? []), row]);
  return [...devices]
    .map(([id, rows]) => peerOf(rows, id === deviceId ? { unsent, wroteMs } : null))
    .sort((a, b) => Number(b.here) - Number(a.here) || b.lastSeenAt.getTime() - a.lastSeenAt.getTime());
}

function peerOf(rows: readonly WriterRow[], here: Pick<PeerParts, 'unsent' | 'wroteMs'> | null): Peer {
  const last = rows.reduce((a, b) => (seenMs(b) > seenMs(a) ? b : a));
  return {
    id: last.device.id,
    device: last.device,
    user: last.user ?? null,
    here: here !== null,
    lastSeenAt: new Date(Math.max(seenMs(last), here?.wroteMs ?? 0)),
    lastChange: last.heard ? dotOf(last.inc, last.heard.seq) : null,
    unsent: here?.unsent ?? null,
  };
}

/** Of an incarnation of which no change came by itself, since when it is. */
function seenMs({ inc, heard }: WriterRow): number {
  return heard ? msOf(heard.hlc) : incarnationMs(inc);
}

export function isSamePeers(a: readonly Peer[], b: readonly Peer[]): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
