import { expect, test } from 'vitest';

import { checkOpenOptions } from './open-options.ts';

const GOOD = { name: 'test', collections: {} };

test('[OPN1] options as the types have them pass', () => {
  expect(() => checkOpenOptions(GOOD)).not.toThrow();
  expect(() =>
    checkOpenOptions({
      ...GOOD,
      sync: { url: '/sync', space: 'team', token: async () => null, paused: true },
      user: { id: 'anna', name: 'Anna' },
      device: { name: "Anna's phone" },
      worker: false,
      durability: 'relaxed',
      logger: console,
      signal: new AbortController().signal,
    }),
  ).not.toThrow();
});

test.each<[string, unknown]>([
  ['its argument', undefined],
  ['name', { collections: {} }],
  ['name', { ...GOOD, name: '' }],
  ['name', { ...GOOD, name: 'a\u0000b' }],
  ['sync', { ...GOOD, sync: 'ws://localhost' }],
  ['sync.url', { ...GOOD, sync: {} }],
  ['sync.space', { ...GOOD, sync: { url: '/sync', space: 'x'.repeat(257) } }],
  ['sync.token', { ...GOOD, sync: { url: '/sync', token: 5 } }],
  ['sync.paused', { ...GOOD, sync: { url: '/sync', paused: 'yes' } }],
  ['user.id', { ...GOOD, user: { name: 'Anna' } }],
  ['user.name', { ...GOOD, user: { id: 'anna', name: 5 } }],
  ['device', { ...GOOD, device: 'phone' }],
  ['worker', { ...GOOD, worker: true }],
  ['durability', { ...GOOD, durability: 'none' }],
  ['logger.info', { ...GOOD, logger: { error: () => {} } }],
  ['signal', { ...GOOD, signal: {} }],
])('[OPN2] an option of another shape is INVALID_OPTION and names %s', (place, options) => {
  expect(() => checkOpenOptions(options)).toThrow(
    expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(`open(): ${place} `) }),
  );
});
