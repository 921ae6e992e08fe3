import { expect, test } from 'vitest';

import { resolveSyncUrl } from './sync-url.ts';

test.each([
  ['/sync', 'http://localhost:4321', 'ws://localhost:4321/sync'],
  ['/sync', 'https://notes.example', 'wss://notes.example/sync'],
  ['sync?region=a#top', 'https://notes.example', 'wss://notes.example/sync?region=a'],
  ['ws://localhost:4321', 'https://notes.example', 'ws://localhost:4321/sync'],
  ['wss://notes.example/?region=a', undefined, 'wss://notes.example/sync?region=a'],
  ['https://sync.example/x', undefined, 'wss://sync.example/x'],
])('[TR1] %s seen from %s is %s', (url, origin, resolved) => {
  expect(resolveSyncUrl(url, origin)).toBe(resolved);
});

test.each([
  ['/sync', undefined],
  ['ftp://example', 'http://localhost'],
  ['ws://', 'http://localhost'],
])('[TR2] %s from %s is refused with the address in the message', (url, origin) => {
  expect(() => resolveSyncUrl(url, origin)).toThrow(url);
});
