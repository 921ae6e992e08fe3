/**
 * A node in a process of its own that writes to one space, for tests of several: `writer.fixture.ts <url> <schema> <space>`.
 * It does what it is told by messages: `{ hold: true }` has its transactions wait before they commit, `{ hold: false }` lets
 * them go; `{ push: inc, count }` writes so many changes, a transaction each, with pauses before the commits, and says `done`.
 */
import { setTimeout as delay } from 'node:timers/promises';

import { creation, push } from '../contract.ts';
import { watched } from '../watched.fixture.ts';
import { postgres } from './postgres.ts';

export type WriterOrder = { readonly hold: boolean } | { readonly push: string; readonly count: number };

const [url, schema, space] = process.argv.slice(2) as [string, string, string];
const watching = watched(postgres(url, { schema }));
const storage = await watching.source.open();
let release = (): void => undefined;

async function write(inc: string, count: number): Promise<void> {
  for (let seq = 1; seq <= count; seq++) {
    if (count === 1) await push(storage, space, [creation(inc, seq)]);
    else {
      const letGo = watching.hold();
      const pushing = push(storage, space, [creation(inc, seq)]);
      await delay(seq % 5);
      letGo();
      await pushing;
    }
  }
  process.send!('done');
}

process.on('message', (order: WriterOrder) => {
  if ('push' in order) void write(order.push, order.count);
  else if (order.hold) release = watching.hold();
  else release();
});
process.on('disconnect', () => process.exit());
process.send!('open');
