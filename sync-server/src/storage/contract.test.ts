import { join } from 'node:path';
import { afterEach } from 'vitest';

import { temporaryFolder } from '../server.fixture.ts';
import { memory } from './memory.ts';
import { sqlite } from './sqlite/sqlite.ts';
import { describeStorage } from './suite.contract.ts';

const folders: { remove(): void }[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) folder.remove();
});

describeStorage('memory', memory);
describeStorage('sqlite', () => {
  const folder = temporaryFolder();
  folders.push(folder);
  return sqlite(join(folder.path, 'deep', 'er', 'skerry.db'));
});
