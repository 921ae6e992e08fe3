import { expect, test } from 'vitest';

import { readIdentity } from '../data/identity.ts';
import { authorOf, keepLabel } from './author.ts';

const me = readIdentity('?user=anna&device=laptop', { getItem: () => null, setItem: () => {} }, '', () => '');
const here = { user: { id: 'anna', name: 'Anna' }, device: { id: '1', name: 'laptop' }, here: true };
const myPhone = { user: { id: 'anna', name: 'Anna' }, device: { id: '2', name: "Anna's phone" }, here: false };
const bruno = { user: { id: 'bruno', name: 'Bruno' }, device: { id: '3', name: "Bruno's laptop" }, here: false };

test('[DWHO1] people and devices are named, and I am You', () => {
  expect(authorOf(here, me)).toEqual({ name: 'You', device: 'this laptop', isMe: true });
  expect(authorOf(myPhone, me)).toEqual({ name: 'You', device: "Anna's phone", isMe: true });
  expect(authorOf(bruno, me)).toEqual({ name: 'Bruno', device: "Bruno's laptop", isMe: false });
  expect(authorOf({ user: null, device: null, here: false }, me)).toEqual({
    name: 'Someone',
    device: 'another device',
    isMe: false,
  });
});

test('[DWHO2] a choice is named by its person, by the device only where that is needed', () => {
  expect([here, bruno].map((version) => keepLabel(version, [here, bruno], me))).toEqual(['Keep yours', 'Keep Bruno’s']);
  expect(keepLabel(myPhone, [here, myPhone], me)).toBe("Keep yours (Anna's phone)");
});
