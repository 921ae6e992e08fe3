import { describe, expect, it } from 'vitest';

import { checkFile, checkImports } from './check-imports.ts';

const messagesOf = (file: string, source: string): readonly string[] =>
  checkFile(file, source).map(({ file: at, line, message }) => `${at}:${line} ${message}`);

describe('import directions', () => {
  it('[IMP1] the repository keeps them', () => {
    expect(checkImports()).toEqual([]);
  });

  it('[IMP2] finds a planted violation of every kind of import, by file and line', () => {
    const source = [
      `import { apply } from './apply.ts';`,
      `import { assert } from '../lib/assert.ts';`,
      `import { open } from '../client/open.ts';`,
      `import type { Table } from '../store/database.ts';`,
      `export * from '../session/step.ts';`,
      `const later = import('../transport/websocket.ts');`,
      `type Hidden = import('../worker/host.ts').Host;`,
      `const url = new URL('../worker.ts', import.meta.url);`,
      `import { Dexie } from 'dexie';`,
      `import { randomUUID } from 'node:crypto';`,
    ].join('\n');
    expect(messagesOf('sdk/src/core/planted.ts', source).toSorted(byLine)).toEqual([
      'sdk/src/core/planted.ts:3 sdk/src/core may not import ../client/open.ts',
      'sdk/src/core/planted.ts:4 sdk/src/core may not import ../store/database.ts',
      'sdk/src/core/planted.ts:5 sdk/src/core may not import ../session/step.ts',
      'sdk/src/core/planted.ts:6 sdk/src/core may not import ../transport/websocket.ts',
      'sdk/src/core/planted.ts:7 sdk/src/core may not import ../worker/host.ts',
      'sdk/src/core/planted.ts:8 sdk/src/core may not import ../worker.ts',
      'sdk/src/core/planted.ts:9 sdk/src/core may not import dexie',
      'sdk/src/core/planted.ts:10 sdk/src/core may not import node:crypto',
    ]);
  });

  it('[IMP3] the server and e2e reach the pure part of the SDK only; e2e may name its types', () => {
    expect(messagesOf('sync-server/src/a.ts', `import { apply } from '@skerry/sdk/kernel';`)).toEqual([]);
    expect(messagesOf('sync-server/src/a.ts', `import type { Db } from '@skerry/sdk';`)).toHaveLength(1);
    expect(messagesOf('e2e/fixtures/a.ts', `import type { Db } from '@skerry/sdk';`)).toEqual([]);
    expect(messagesOf('e2e/fixtures/a.ts', `import { open } from '@skerry/sdk';`)).toHaveLength(1);
  });

  it('[IMP4] a test may import test tools and its own workspace', () => {
    const source = `import { it } from 'vitest';\nimport { ask } from '../policies/ask.ts';`;
    expect(messagesOf('sdk/src/core/a.test.ts', source)).toEqual([]);
    expect(messagesOf('sdk/src/core/a.ts', source)).toHaveLength(2);
    expect(messagesOf('sync-server/src/a.test.ts', `import { open } from '@skerry/sdk';`)).toHaveLength(1);
  });
});

function byLine(one: string, other: string): number {
  return Number(one.split(/[: ]/)[1]) - Number(other.split(/[: ]/)[1]);
}
