import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

import { hashOfChange, withoutDependencies } from '../core/change.ts';
import { canonicalJson, type Json } from '../lib/json.ts';
import { checkChange } from './check-change.ts';
import { decodeDeviceMessage, decodeServerMessage, encodeMessage } from './codec.ts';
import { DEFAULT_LIMITS } from './limits.ts';
import { CLOSE, type Page, type Push } from './messages.ts';
import { PROTOCOL_VERSIONS } from './versions.ts';

const DOC = readFileSync(new URL('../../../docs/protocol.md', import.meta.url), 'utf8');

/** The contents of the fences with this info string. */
function fences(info: string): readonly string[] {
  return [...DOC.matchAll(/^```(.*)\n([\s\S]*?)\n```$/gm)]
    .filter(([, given]) => given === info)
    .map(([, , text]) => text!);
}

/** The rows of the table under a heading, without its head, as lists of cells without backticks. */
function table(heading: string): readonly (readonly string[])[] {
  const section = DOC.split(/^## /m).find((part) => part.startsWith(`${heading}\n`))!;
  const rows = section.split('\n').filter((line) => line.startsWith('|'));
  return rows.slice(2).map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('`', '')),
  );
}

describe('docs/protocol.md', () => {
  it('[WIRE1] every example of a frame is one, and there is one for every frame', () => {
    const device = fences('json device').map((text) => decodeDeviceMessage(text, DEFAULT_LIMITS));
    const server = fences('json server').map((text) => decodeServerMessage(text, DEFAULT_LIMITS));
    expect([...device, ...server].filter(({ type }) => type === 'bad')).toEqual([]);
    const typesOf = (decoded: readonly ((typeof device)[number] | (typeof server)[number])[]): readonly string[] =>
      decoded.flatMap((one) => (one.type === 'ok' ? [one.message.type] : []));
    expect(typesOf(device)).toEqual(['hello', 'push', 'applied', 'staged', 'ping']);
    expect(typesOf(server)).toEqual(['welcome', 'pushed', 'pushed', 'page', 'snapshot', 'pong', 'error']);
  });

  it('[WIRE4] the packed examples are the packed form of the others', () => {
    expect(fences('json packed push')).toEqual([encodeMessage(JSON.parse(fences('json device')[1]!) as Push)]);
    expect(fences('json packed page')).toEqual([encodeMessage(JSON.parse(fences('json server')[3]!) as Page)]);
  });

  it('[WIRE2] the example of a content hash is right', () => {
    const [change] = (JSON.parse(fences('json device')[1]!) as Push).changes;
    expect(checkChange(change, DEFAULT_LIMITS).type).toBe('ok');
    const { hlc: _, ...content } = withoutDependencies(change!);
    expect(fences('text canonical')).toEqual([canonicalJson(content as unknown as Json)]);
    expect(fences('text hash')).toEqual([hashOfChange(change!)]);
  });

  it('[WIRE3] the tables of limits, close codes and versions are those of the code', () => {
    expect(Object.fromEntries(table('Limits').map(([name, value]) => [name, Number(value)]))).toEqual(DEFAULT_LIMITS);
    expect(Object.fromEntries(table('Close codes').map(([code, name]) => [name, Number(code)]))).toEqual(CLOSE);
    expect(table('Versions')).toEqual(PROTOCOL_VERSIONS.map(({ version, what }) => [String(version), what]));
  });
});
