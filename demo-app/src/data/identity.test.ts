import { expect, test } from 'vitest';

import { chooseNames } from './chosen-names.ts';
import { addressOf, deviceFrom, deviceHere, readIdentity, type IdentityStore } from './identity.ts';

const LINUX = 'Mozilla/5.0 (X11; Linux x86_64) Chrome/156';

test('[DIDENT1] user, device and space come from the address and name a database of their own', () => {
  const anna = readIdentity("?user=anna&device=Anna's phone", memory(), LINUX, () => 'unused');
  const bruno = readIdentity('?user=bruno&device=laptop&space=team', memory(), LINUX, () => 'unused');
  expect(anna).toEqual({
    user: { id: 'anna', name: 'Anna' },
    device: { name: "Anna's phone" },
    deviceHere: 'this phone',
    space: 'demo',
    databaseName: "skerry/demo/anna/Anna's%20phone",
    isNamed: true,
    clockAheadMs: 0,
  });
  expect(bruno.databaseName).toBe('skerry/team/bruno/laptop');
});

test('[DIDENT2] a browser without a name is the same guest every time', () => {
  const store = memory();
  const ids = ['11112222-a', '33334444-b'];
  const first = readIdentity('', store, LINUX, () => ids.shift()!);
  const second = readIdentity('', store, LINUX, () => ids.shift()!);
  expect(first.user).toEqual({ id: 'guest-11112222', name: 'Guest 2222' });
  expect(second).toEqual(first);
});

test('[DIDENT3] names with a slash cannot reach the database of someone else', () => {
  const sly = readIdentity('?user=a/b&device=c', memory(), LINUX, () => 'unused');
  expect(sly.databaseName).toBe('skerry/demo/a%2Fb/c');
});

test('[DIDENT4] a device is called what the person in front of it sees', () => {
  expect(["Anna's phone", 'iPad', 'MacBook'].map(deviceHere)).toEqual(['this phone', 'this tablet', 'this laptop']);
  expect(deviceFrom('Mozilla/5.0 (iPhone; CPU iPhone OS 19_0)')).toBe('iPhone');
  expect(deviceFrom('Mozilla/5.0 (Linux; Android 16; Pixel 9) Mobile')).toBe('Android phone');
  expect(deviceFrom(LINUX)).toBe('Laptop');
});

test('[DIDENT5] the address of another person keeps the space', () => {
  expect(addressOf('bruno', 'laptop', 'demo')).toBe('?user=bruno&device=laptop');
  expect(addressOf('bruno', 'laptop', 'team')).toBe('?user=bruno&device=laptop&space=team');
});

test('[DIDENT6] a name that somebody chose is used instead; the person and the database stay the same', () => {
  const store = memory();
  const read = () => readIdentity("?user=anna&device=Anna's phone", store, LINUX, () => 'unused');
  const before = read();
  chooseNames(store, before.databaseName, { user: ' Anna B. ', device: 'Kitchen tablet' });
  expect(read()).toEqual({
    ...before,
    user: { id: 'anna', name: 'Anna B.' },
    device: { name: 'Kitchen tablet' },
    deviceHere: 'this tablet',
  });
  chooseNames(store, before.databaseName, { user: '  ', device: 'x'.repeat(200) });
  expect(read()).toMatchObject({ user: before.user, device: { name: 'x'.repeat(40) } });
  store.setItem(`skerry.names/${before.databaseName}`, '{"user": 7,');
  expect(read()).toEqual(before);
});

function memory(): IdentityStore {
  const items = new Map<string, string>();
  return { getItem: (key) => items.get(key) ?? null, setItem: (key, value) => void items.set(key, value) };
}
