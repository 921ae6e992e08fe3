import { describe, expect, it } from 'vitest';

import { dotsOf, TestDevice, TestWriter } from '../device.fixture.ts';
import { parseExposition } from '../metrics/exposition.fixture.ts';
import { startServer, type TestServer } from '../server.fixture.ts';
import { memory } from '../storage/memory.ts';
import { QueueBudget, type Queued } from './queue-budget.ts';

const BUDGET = 4_000_000;
const DEAF = 12;

async function queued(server: TestServer): Promise<number> {
  const samples = parseExposition(await server.server.metrics());
  return samples.find(({ name }) => name === 'skerry_queue_bytes')!.value;
}

describe('the budget of what devices have not read', { timeout: 60_000 }, () => {
  it('[MEM1] those with the most go first, and only as many as needed', () => {
    const cut: number[] = [];
    const sizes = [10, 500, 20, 300, 0, 250];
    const queues = sizes.map((queueBytes): Queued => ({
      load: { isWelcome: true, queueBytes, lagEntries: 0 },
      cut: () => void cut.push(queueBytes),
    }));
    const budget = new QueueBudget(1_000, () => queues);
    for (let i = 0; i < 62; i++) budget.sent(1);
    expect(cut).toEqual([]);
    budget.sent(1);
    expect(cut).toEqual([500]);
    const roomy = new QueueBudget(1_080, () => queues);
    roomy.sent(1_000);
    expect(cut).toEqual([500]);
  });

  it('[MEM2] many devices that do not read take no more than it, those that read get everything', async () => {
    // A device that reports nothing as applied is sent so much that the kernel's buffers cannot take it all.
    const limits = { pagesInFlight: 100 };
    await using server = await startServer({ storage: memory(), maxQueueBytes: BUDGET, limits });
    const deaf = await Promise.all(Array.from({ length: DEAF }, () => TestDevice.connect(server.url)));
    for (const { socket } of deaf) socket.pause();
    const [writer, reader] = [await TestDevice.connect(server.url), await TestDevice.connect(server.url)];
    const source = new TestWriter('w');
    const ops = [{ t: 'set', p: 'body', v: 'x'.repeat(250_000), pred: [] }] as const;
    let most = 0;
    const isCut = (): boolean =>
      server.logs.some(({ event, reason }) => event === 'closed' && reason === 'reads too slowly');
    let count = 0;
    while (count < 20 || (!isCut() && count < 200)) {
      const change = source.next({ recs: [{ c: 'notes', id: `r-${++count}`, rv: [], ops }] });
      expect(await writer.push(change)).not.toHaveProperty('refused');
      most = Math.max(most, await queued(server));
      await reader.readTo(count);
    }
    expect(isCut()).toBe(true);
    expect(most).toBeGreaterThan(BUDGET / 4);
    expect(most).toBeLessThanOrEqual(BUDGET * 1.25);
    expect(dotsOf(reader.entries)).toHaveLength(count);
    // Who was cut goes on where it was.
    for (const { socket } of deaf) socket.terminate();
    const again = await TestDevice.connect(server.url);
    expect(dotsOf(await again.readTo(count))).toHaveLength(count);
  });
});
