import { DEFAULT_LIMITS, type Limits } from '@skerry/sdk/kernel';
import { describe, expect, it } from 'vitest';

import { Bucket } from './bucket.ts';
import { Crowd, TIDY_MS, type Seat } from './crowd.ts';

const crowdOf = (limits: Partial<Limits> = {}, maxWaiting = 100): Crowd =>
  new Crowd({ ...DEFAULT_LIMITS, ...limits }, maxWaiting);

describe('a token bucket', () => {
  it('[CRW1] gives what was saved up, then so much a second, and says how long to wait for what was taken beyond', () => {
    const bucket = new Bucket(10, 20, 0);
    expect(Array.from({ length: 20 }, () => bucket.take(1, 0))).toEqual(Array.from({ length: 20 }, () => 0));
    expect([bucket.has(0), bucket.take(5, 0), bucket.take(0, 400)]).toEqual([false, 500, 100]);
    expect([bucket.take(0, 500), bucket.has(500), bucket.has(600)]).toEqual([0, false, true]);
    // No more is saved up than there is room for, and a clock that goes back gives nothing.
    expect([bucket.isFull(1_000_000), bucket.take(21, 1_000_000), bucket.take(0, 0)]).toEqual([true, 100, 100]);
  });
});

describe('the crowd', () => {
  it('[CRW2] an address has so many that wait and so many at all; others, and this machine, are not concerned', () => {
    const crowd = crowdOf({ waitingPerAddress: 2, socketsPerAddress: 3 }, 7);
    const [first, second] = [crowd.arrive('a', 0), crowd.arrive('a', 0)];
    expect([crowd.refusal('a', 0), crowd.refusal('b', 0), crowd.refusal(null, 0)]).toEqual([429, null, null]);
    crowd.seated(first);
    expect(crowd.refusal('a', 0)).toBeNull();
    const third = crowd.arrive('a', 0);
    crowd.seated(second);
    crowd.seated(third);
    expect(crowd.refusal('a', 0)).toBe(429);
    crowd.leave(third);
    crowd.seated(third);
    expect(crowd.refusal('a', 0)).toBeNull();
    for (let i = 0; i < 7; i++) crowd.arrive(null, 0);
    expect([crowd.refusal('b', 0), crowd.refusal(null, 0)]).toEqual([503, 503]);
  });

  it('[CRW3] a user has so many connections and hellos, a device so many spaces, and gets them back', () => {
    const crowd = crowdOf({ socketsPerUser: 3, spacesPerDevice: 2, hellosPerMinute: 8 });
    const join = (user: string, device: string, space: string): [Seat, string | null] => {
      const seat = crowd.arrive(null, 0);
      return [seat, crowd.admit(seat, user, { device, space }, 0)];
    };
    const [first, why] = join('ada', 'd', 's1');
    expect(why).toBeNull();
    const [second] = join('ada', 'd', 's2');
    expect(join('ada', 'd', 's3')[1]).toContain('2 spaces');
    // One that it has already, from another tab or a copy of the profile, is no further one.
    const [third, again] = join('ada', 'd', 's1');
    expect(again).toBeNull();
    expect(join('ada', 'e', 's1')[1]).toContain('3 connections');
    expect(join('eve', 'd', 's3')[1]).toBeNull();
    for (const seat of [first, second, third]) crowd.leave(seat);
    expect([join('ada', 'd', 's3')[1], join('ada', 'd', 's4')[1]]).toEqual([null, null]);
    expect(join('ada', 'd', 's5')[1]).toContain('2 spaces');
    expect(join('ada', 'd', 's3')[1]).toContain('8 times in a minute');
  });

  it('[CRW4] who is gone and owes nothing is forgotten', () => {
    const crowd = crowdOf({ failuresPerMinute: 60 });
    for (let i = 0; i < 1_000; i++) {
      const seat = crowd.arrive(`n${i}`, 0);
      if (i === 0) crowd.failed(seat, 0);
      crowd.admit(seat, `u${i}`, { device: 'd', space: 's' }, 0);
      crowd.leave(seat);
    }
    expect(crowd.size).toBe(2_000);
    crowd.tick(TIDY_MS);
    expect(crowd.size).toBe(0);
  });
});
