import { DEFAULT_LIMITS } from '@skerry/sdk/kernel';
import { describe, expect, it } from 'vitest';

import { Pace, type Usage } from './pace.ts';
import type { Peer } from './peer.ts';

const LIMITS = { ...DEFAULT_LIMITS, framesPerSecond: 1_000, bytesPerSecond: 1_000_000 };
const FRAME: Usage = { frames: 1, bytes: 10, workMs: 0 };

function watched(): { readonly peer: Peer; readonly calls: string[] } {
  const calls: string[] = [];
  const peer = { pause: () => void calls.push('pause'), resume: () => void calls.push('resume') };
  return { peer: peer as unknown as Peer, calls };
}

describe('how fast a peer is read', () => {
  it('[HST14] what a frame costs to read counts: a fifth of a second at once, then a tenth of a processor', async () => {
    const { peer, calls } = watched();
    const pace = new Pace(peer, LIMITS, () => 0);
    expect(pace.take({ ...FRAME, workMs: 190 })).toBe(0);
    expect(calls).toEqual([]);
    expect(pace.take({ ...FRAME, workMs: 20 })).toBeGreaterThan(0);
    expect(calls).toEqual(['pause']);
    await expect.poll(() => calls).toEqual(['pause', 'resume']);
  });

  it('[HST14] what came before the pause is held and read in order; what its user owes counts', async () => {
    const { peer, calls } = watched();
    let owed = 0;
    const pace = new Pace(peer, LIMITS, () => owed);
    pace.run(() => calls.push('one'));
    owed = 20;
    for (const name of ['two', 'three']) pace.run(() => calls.push(name));
    expect(calls).toEqual(['one', 'pause']);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(calls).toEqual(['one', 'pause']);
    owed = 0;
    await expect.poll(() => calls).toEqual(['one', 'pause', 'two', 'three', 'resume']);
    pace.run(() => calls.push('four'));
    expect(calls.at(-1)).toBe('four');
  });

  it('[HST14] of who has left nothing is read any more', () => {
    const { peer, calls } = watched();
    const pace = new Pace(peer, LIMITS, () => 60_000);
    pace.run(() => calls.push('one'));
    pace.stop();
    pace.stop();
    expect(calls).toEqual(['pause', 'resume']);
  });
});
