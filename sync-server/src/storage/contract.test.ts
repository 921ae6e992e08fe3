import { join } from 'node:path';
import { afterEach, describe, it } from 'vitest';

import { temporaryFolder } from '../server.fixture.ts';
import { STORAGE_CONTRACT } from './contract.ts';
import { DIFFERENTIAL_CONTRACT } from './differential.contract.ts';
import { memory } from './memory.ts';
import type { StorageSource } from './port.ts';
import { sqlite } from './sqlite/sqlite.ts';

const folders: { remove(): void }[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) folder.remove();
});

const SOURCES: readonly (readonly [string, () => StorageSource])[] = [
  ['memory', memory],
  [
    'sqlite',
    () => {
      const folder = temporaryFolder();
      folders.push(folder);
      return sqlite(join(folder.path, 'deep', 'er', 'skerry.db'));
    },
  ],
];

describe.each(SOURCES)('storage: %s', { timeout: 30_000 }, (_, create) => {
  for (const { name, run } of [...STORAGE_CONTRACT, ...DIFFERENTIAL_CONTRACT]) it(name, () => run(create()));
});
