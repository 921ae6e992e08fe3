/** What `docs/operations.md` tells an operator to set, to watch and to run is there. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

import { readConfig } from './config.ts';
import { parseExposition } from './metrics/exposition.fixture.ts';
import { startServer } from './server.fixture.ts';
import { isToolCall } from './tools/tools.ts';

const SOURCES = fileURLToPath(new URL('.', import.meta.url));
const page = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');

/** In code, between words. */
const named = (pattern: RegExp): readonly string[] => [
  ...new Set([...page.matchAll(pattern)].map((match) => match[1]!)),
];

describe('the page for operators', { timeout: 30_000 }, () => {
  it('[OPS1] names metrics that there are, and all that are ours', async () => {
    await using server = await startServer();
    const text = await server.server.metrics();
    const typed = [...text.matchAll(/^# TYPE (\S+)/gm)].map((match) => match[1]!);
    expect(parseExposition(text).length).toBeGreaterThan(typed.length);
    const told = named(/`((?:skerry|nodejs|process)_[a-z0-9_]+)`/g);
    expect(told.filter((name) => !typed.includes(name))).toEqual([]);
    expect(typed.filter((name) => name.startsWith('skerry_') && !told.includes(name))).toEqual([]);
  });

  it('[OPS2] names events of the log that there are, and all at which somebody must look', () => {
    const files = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' }).filter(
      (name) => name.endsWith('.ts') && !/\.(?:test|fixture)\.ts$/.test(name),
    );
    const text = files.map((name) => readFileSync(join(SOURCES, name), 'utf8')).join('\n');
    // Some choose the level where they log.
    const calls = /logger(?:\??\.error|\[[^\]]*'error'[^\]]*\])\('([a-z-]+)'/g;
    const errors = [...text.matchAll(calls)].map((match) => match[1]!);
    const rows = page.split('\n').filter((line) => /^\| `[a-z-]+`[^_]*\|$/.test(line) && !line.includes('`event`'));
    const told = rows.flatMap((row) => [...row.split('|')[1]!.matchAll(/`([a-z-]+)`/g)].map((match) => match[1]!));
    expect([...new Set(told)].sort()).toEqual(expect.arrayContaining([...new Set(errors)].sort()));
    expect(told.filter((event) => !errors.includes(event))).toEqual([]);
  });

  it('[OPS3] shows calls of the command that it understands', () => {
    const calls = named(/^(?:ExecStart=\/usr\/bin\/|npx |sudo -u skerry )?skerry-server ([^\n]+)$/gm).map((line) =>
      line.split(' '),
    );
    expect(calls.length).toBeGreaterThan(4);
    for (const call of calls) {
      const isUnderstood = isToolCall(call) || readConfig(call, {}).type !== 'bad';
      expect([call, isUnderstood]).toEqual([call, true]);
    }
    for (const variable of named(/`(SKERRY_[A-Z_]+)`/g)) expect(helpText()).toContain(variable);
  });
});

function helpText(): string {
  const help = readConfig(['--help'], {});
  return help.type === 'help' ? help.text : '';
}
