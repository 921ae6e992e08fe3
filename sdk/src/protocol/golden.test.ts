import { describe, expect, it } from 'vitest';

import { expectGolden, goldenVersions, readGolden } from '../lib/golden.fixture.ts';
import { decodeDeviceMessage, decodeServerMessage, encodeMessage } from './codec.ts';
import { DEVICE_FRAMES, SERVER_FRAMES } from './frames.fixture.ts';
import { DEFAULT_LIMITS } from './limits.ts';
import { PROTOCOL_VERSION } from './messages.ts';
import { DEVICE_MESSAGE, SERVER_MESSAGE } from './schema.ts';

const FOLDER = new URL('./fixtures/', import.meta.url);
const RAISE = 'raise PROTOCOL_VERSION';
const FRAMES = { device: DEVICE_FRAMES, server: SERVER_FRAMES };
const KINDS = { device: DEVICE_MESSAGE, server: SERVER_MESSAGE };
const DECODE = { device: decodeDeviceMessage, server: decodeServerMessage };
const ends = ['device', 'server'] as const;
const frames = ends.flatMap((end) => Object.entries(FRAMES[end]).map(([name, message]) => ({ end, name, message })));

describe('golden frames', () => {
  it.each(frames)('[GLD1] $end/$name is written as it was', ({ end, name, message }) => {
    expectGolden(FOLDER, PROTOCOL_VERSION, `${end}-${name}.json`, `${encodeMessage(message)}\n`, RAISE);
  });

  it.each(ends)('[GLD1] there is a golden frame of every kind that a %s sends, and no other file', (end) => {
    const kind = KINDS[end];
    const types = new Set(Object.values(FRAMES[end]).map(({ type }) => type));
    expect([...types].sort()).toEqual(kind.kind === 'union' ? Object.keys(kind.cases).sort() : []);
    const files = [...readGolden(FOLDER, PROTOCOL_VERSION).keys()].filter((name) => name.startsWith(end));
    expect(files.sort()).toEqual(
      Object.keys(FRAMES[end])
        .map((name) => `${end}-${name}.json`)
        .sort(),
    );
  });

  it.each(goldenVersions(FOLDER))('[GLD2] every frame of version %i is read, and passed on as it came', (version) => {
    for (const [name, text] of readGolden(FOLDER, version)) {
      const decoded = DECODE[name.startsWith('device') ? 'device' : 'server'](text, DEFAULT_LIMITS);
      expect([name, decoded.type]).toEqual([name, 'ok']);
      if (decoded.type === 'ok') expect(`${encodeMessage(decoded.message)}\n`).toBe(text);
    }
  });

  it('[GLD2] what is read is what was meant', () => {
    for (const { end, name, message } of frames) {
      const text = readGolden(FOLDER, PROTOCOL_VERSION).get(`${end}-${name}.json`) ?? '';
      expect(DECODE[end](text, DEFAULT_LIMITS)).toEqual({ type: 'ok', message });
    }
  });
});
