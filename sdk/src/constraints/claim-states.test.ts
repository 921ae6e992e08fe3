import { expect, test } from 'vitest';

import { claimStates } from './claim-states.ts';
import { stampOf } from './claim.ts';
import { planOf, Replica, type Written } from './rows.fixture.ts';

const ROOMS = { kind: 'noOverlap', name: 'rooms', by: 'room', from: 'start', to: 'end', confirm: 'home' } as const;
const PLANS = [planOf([ROOMS, { kind: 'unique', name: 'titles', fields: ['title'] }])];

function stateOf(replica: Replica, id: string): unknown {
  const [{ state, before } = { state: null, before: [] }] = replica.index.run(
    claimStates(replica.constraints, 'events', id),
  );
  return before.length > 0 ? [state, ...before] : state;
}

/** As the server's log has it: numbered from 1 in the order given. */
function numbered(...written: readonly (Written | undefined)[]): Written[] {
  return written.flatMap((one, i) => (one ? [{ ...one, n: i + 1 }] : []));
}

const at = (start: number, end: number) => ({ room: 'A', start, end });

test('[CST20] a claim is tentative until a server has numbered it, then confirmed, or contested by what was numbered before', () => {
  const [anna, ben] = [new Replica('anna', PLANS), new Replica('ben', PLANS)];
  anna.write('events', 'a', at(10, 12), { isSent: false, clock: 9 });
  ben.write('events', 'b', at(11, 14), { isSent: false, clock: 1 });
  expect([stateOf(anna, 'a'), stateOf(ben, 'b')]).toEqual(['tentative', 'tentative']);
  // Anna's came to the server first, although her clock is ahead.
  const log = numbered(anna.log[0], ben.log[0]);
  for (const name of ['carla', 'dora']) {
    const replica = new Replica(name, PLANS);
    replica.apply(log);
    expect([stateOf(replica, 'a'), stateOf(replica, 'b')]).toEqual(['confirmed', ['contested', 'a']]);
    // What the server saw is told; who gives way is still for people, and the rows are all there.
    expect(replica.open).toMatchObject([{ rowIds: ['a', 'b'], accepted: ['b'], contested: ['a'] }]);
  }
});

test('[CST21] a confirmed claim stays so whatever comes later; moved or deleted it is released', () => {
  const replica = new Replica('anna', PLANS);
  replica.write('events', 'a', at(10, 12));
  replica.write('events', 'b', at(11, 14));
  replica.write('events', 'c', at(13, 15));
  expect(['a', 'b', 'c'].map((id) => stateOf(replica, id))).toEqual([
    'confirmed',
    ['contested', 'a'],
    ['contested', 'b'],
  ]);
  replica.write('events', 'b', { title: 'of no consequence' });
  expect(stateOf(replica, 'b')).toEqual(['contested', 'a']);
  replica.write('events', 'b', null);
  expect(['a', 'b', 'c'].map((id) => stateOf(replica, id))).toEqual(['confirmed', 'released', 'confirmed']);
  replica.write('events', 'a', { room: '' });
  expect(stateOf(replica, 'a')).toBe('released');
  // Who comes back has lost the place in the queue.
  replica.write('events', 'd', at(10, 11));
  replica.write('events', 'a', { room: 'A' });
  expect([stateOf(replica, 'a'), stateOf(replica, 'd')]).toEqual([['contested', 'd'], 'confirmed']);
});

test('[CST22] an edit that is not sent yet makes a claim tentative again, and what is allowed is confirmed', () => {
  const replica = new Replica('anna', PLANS);
  replica.write('events', 'a', at(10, 12));
  replica.write('events', 'b', at(11, 14));
  replica.allow(replica.open[0]!);
  expect(stateOf(replica, 'b')).toBe('confirmed');
  replica.write('events', 'a', at(10, 13), { isSent: false });
  expect(stateOf(replica, 'a')).toBe('tentative');
  expect(replica.open).toHaveLength(1);
});

test('[CST23] where a space has several servers, only the numbers of the home server count', () => {
  const atHome = new Replica('anna', [planOf([{ ...ROOMS, home: 'S' }])]);
  atHome.write('events', 'a', at(10, 12));
  expect(stateOf(atHome, 'a')).toBe('confirmed');
  const elsewhere = new Replica('ben', [planOf([{ ...ROOMS, home: 'T' }])]);
  elsewhere.write('events', 'a', at(10, 12));
  expect(stateOf(elsewhere, 'a')).toBe('tentative');
});

test('[CST20] constraints that do not ask for it have no states', () => {
  const replica = new Replica('anna', [planOf([{ kind: 'unique', name: 'titles', fields: ['title'] }])]);
  replica.write('events', 'a', { title: 'x' });
  expect(stateOf(replica, 'a')).toBeNull();
});

test('[CST24] of several numbers of a claim that of the home server counts, or the same one for everybody', () => {
  const entry = (...stamps: [string, number][]) => ({ dot: 'x_______________.1', hlc: 1, stamps });
  const both = entry(['A', 7], ['B', 2]);
  expect(stampOf([both], 'A')).toEqual(['A', 7]);
  expect(stampOf([both], 'B')).toEqual(['B', 2]);
  expect(stampOf([both], 'C')).toBeNull();
  expect(stampOf([both], undefined)).toEqual(['A', 7]);
  // A claim of several fields is there when the last of them is.
  expect(stampOf([both, entry(['B', 5])], 'B')).toEqual(['B', 5]);
  expect(stampOf([both, entry(['B', 5])], 'A')).toBeNull();
  expect(stampOf([both, { dot: 'x_______________.2', hlc: 2 }], 'B')).toBeNull();
});
