import { describe, expect, it } from 'vitest';

import { canonicalJson, type Json } from '../lib/json.ts';
import { hash128 } from '../lib/hash.ts';
import { PROTOCOL_VERSION } from './messages.ts';
import { SCHEMA } from './schema.ts';
import { PROTOCOL_VERSIONS } from './versions.ts';

describe('protocol version', () => {
  it('[PRO1] a changed schema needs a new PROTOCOL_VERSION and a line of history', () => {
    const now = { version: PROTOCOL_VERSION, schema: hash128(canonicalJson(SCHEMA as unknown as Json)) };
    const { version, schema } = PROTOCOL_VERSIONS.at(-1)!;
    expect({ version, schema }).toEqual(now);
  });

  it('[PRO1] versions count up, each with a schema and a reason of its own', () => {
    expect(PROTOCOL_VERSIONS.map(({ version }) => version)).toEqual(PROTOCOL_VERSIONS.map((_, i) => i + 1));
    expect(new Set(PROTOCOL_VERSIONS.map(({ schema }) => schema)).size).toBe(PROTOCOL_VERSIONS.length);
    expect(PROTOCOL_VERSIONS.filter(({ what }) => what.length < 10)).toEqual([]);
  });
});
