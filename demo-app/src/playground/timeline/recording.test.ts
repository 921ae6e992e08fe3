import type { SyncEvent } from '@skerry/sdk';
import { expect, test } from 'vitest';

import {
  concurrentGroups,
  hear,
  knownBy,
  logAppliedBy,
  NOTHING_HEARD,
  type Heard,
  type Recording,
} from './recording.ts';

const at = new Date(0);
const event = (device: string, about: SyncEvent): Heard => ({ device, event: about });
const wrote = (device: string, dot: string, n: number): Heard =>
  event(device, { type: 'local-write', at, dot, records: 1, saw: { srv: n } });
const got = (device: string, dots: readonly string[], n: number): Heard =>
  event(device, { type: 'applied', at, dots, vector: { srv: n } });
const sent = (device: string, changes: number): readonly Heard[] => [
  event(device, { type: 'pushed', at, changes }),
  event(device, { type: 'accepted', at, changes }),
];
const story = (...heard: readonly Heard[]): Recording => heard.reduce(hear, NOTHING_HEARD);
const groupsOf = (recording: Recording): readonly (readonly string[])[] =>
  concurrentGroups(recording).map((group) => group.map(({ dot }) => dot));

test('[DPLAY3] changes of which neither had seen the other are bracketed, and no others', () => {
  const apart = story(wrote('anna', 'a1', 0), got('bruno', ['a1'], 1), wrote('anna', 'a2', 1), wrote('bruno', 'b1', 1));
  expect(groupsOf(apart)).toEqual([['a2', 'b1']]);
  const seen = story(wrote('anna', 'a1', 0), got('bruno', ['a1'], 1), wrote('bruno', 'b1', 1), wrote('bruno', 'b2', 1));
  expect(groupsOf(seen)).toEqual([]);
});

test('[DPLAY3] what had been applied but was told late counts as seen; what was told early and not applied does not', () => {
  const late = story(wrote('anna', 'a1', 0), wrote('bruno', 'b1', 1), got('bruno', ['a1'], 1));
  expect(groupsOf(late)).toEqual([]);
  const early = story(wrote('anna', 'a1', 0), got('bruno', ['a1'], 1), wrote('bruno', 'b1', 0));
  expect(groupsOf(early)).toEqual([['a1', 'b1']]);
});

test('[DPLAY3] three who are apart are one bracket, also when two of them met in between', () => {
  const three = story(
    wrote('anna', 'a1', 0),
    wrote('bruno', 'b1', 0),
    got('clara', ['a1'], 1),
    wrote('clara', 'c1', 1),
  );
  expect(groupsOf(three)).toEqual([['a1', 'b1', 'c1']]);
});

test('[DPLAY4] the table counts what each device and the server know of every writer', () => {
  const writers = ['anna', 'bruno'];
  const wroteTwice = story(wrote('anna', 'a1', 0), wrote('anna', 'a2', 0), ...sent('anna', 1));
  expect([knownBy(wroteTwice, 'anna', writers), knownBy(wroteTwice, 'server', writers)]).toEqual([
    [2, 0],
    [1, 0],
  ]);
  const came = [got('anna', ['a1'], 1), got('bruno', ['a1'], 1)].reduce(hear, wroteTwice);
  expect(knownBy(came, 'bruno', writers)).toEqual([1, 0]);
  expect(['anna', 'bruno', 'server'].map((who) => logAppliedBy(came, who))).toEqual([1, 1, 1]);
});

test('[DPLAY4] messages carry what the server took and what came to a device; own changes that come back are none', () => {
  const { messages } = story(
    wrote('anna', 'a1', 0),
    ...sent('anna', 1),
    got('anna', ['a1'], 1),
    got('bruno', ['a1'], 1),
  );
  expect(messages.map(({ direction, device, dots }) => [direction, device, dots])).toEqual([
    ['up', 'anna', ['a1']],
    ['down', 'bruno', ['a1']],
  ]);
});

test('[DPLAY4] a cut network lasts until the device is online again, whatever it tries in between', () => {
  const connection = (state: 'paused' | 'connecting' | 'online'): Heard =>
    event('anna', { type: 'connection', at, connection: state });
  expect(story(connection('paused')).cuts).toEqual([{ device: 'anna', from: 0, to: null }]);
  const { cuts } = story(connection('paused'), wrote('anna', 'a1', 0), connection('connecting'), connection('online'));
  expect(cuts).toEqual([{ device: 'anna', from: 0, to: 2 }]);
});

test('[DPLAY4] a question that grows is still open, and one that nobody has any more is decided', () => {
  const moved = (type: 'conflict-opened' | 'conflict-closed', conflict: string): Heard =>
    event('anna', { type, at, conflict, collection: 'notes', rowId: 'n' });
  const grown = story(
    moved('conflict-opened', 'two'),
    moved('conflict-opened', 'three'),
    moved('conflict-closed', 'two'),
  );
  expect(new Set(grown.marks.map(({ kind }) => kind))).toEqual(new Set(['conflict-opened']));
  expect(hear(grown, moved('conflict-closed', 'three')).marks.at(-1)?.kind).toBe('conflict-closed');
});

test('[DPLAY4] nothing is drawn before its cause: what another device has got was at the server, heard or not', () => {
  const [pushed, accepted] = sent('anna', 1);
  const { messages, atServer } = story(wrote('anna', 'a1', 0), pushed!, got('bruno', ['a1'], 1), accepted!);
  expect(messages.map(({ direction, from, to }) => [direction, from, to])).toEqual([
    ['up', 1, 2],
    ['down', 3, 4],
  ]);
  expect([...atServer]).toEqual(['a1']);
});
