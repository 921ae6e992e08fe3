import type { Change, LogEntry, VersionVector } from '@skerry/sdk/kernel';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { changeIn, dotsOf, TestDevice, TestWriter } from '../../device.fixture.ts';
import { runCommand, startServer, type Command } from '../../server.fixture.ts';
import type { StorageSource } from '../port.ts';
import { postgres } from './postgres.ts';
import { newSchemas, type Schemas } from './schemas.fixture.ts';

let schemas: Schemas;

beforeAll(() => {
  schemas = newSchemas();
});

afterAll(() => schemas.drop());

/** Every hint is lost; that it is time to look is not. */
function withoutHints(source: StorageSource): StorageSource {
  return {
    open: async (logger) => {
      const storage = await source.open(logger);
      const { onHint } = storage;
      storage.onHint = (listener) => onHint!.call(storage, (hint) => hint === null && listener(null));
      return storage;
    },
  };
}

describe('devices at several nodes', { timeout: 120_000 }, () => {
  it.each([
    ['by a hint', (source: StorageSource): StorageSource => source, 60_000],
    ['by looking, when every hint is lost', withoutHints, 50],
  ] as const)('[NOD1] see each other %s, and each is answered by its own', async (_, wrap, pollMs) => {
    const schema = schemas.name();
    const storage = (): StorageSource => wrap(postgres(schemas.url, { schema, connections: 4, pollMs }));
    await using here = await startServer({ storage: storage() });
    await using there = await startServer({ storage: storage() });
    const [ada, eve] = [await TestDevice.connect(here.url), await TestDevice.connect(there.url)];
    expect(ada.welcome.sid).toBe(eve.welcome.sid);
    const [one, two] = [new TestWriter('ada').next(), new TestWriter('eve').many(3)];
    expect(await ada.push(one)).toMatchObject({ known: { 'ada-------------': 1 } });
    expect((await eve.readTo(1)).map(changeIn)).toEqual([one]);
    await eve.push(...two);
    expect(dotsOf(await ada.readTo(4))).toEqual([one, ...two].map(({ dot }) => dot));
    // The digest of the end came along: what was read for the whole room is the whole log.
    expect(ada.pages.at(-1)!.digest).toBe(eve.pages.at(-1)!.digest);
    expect(ada.pages.at(-1)!.digest).toBeDefined();
    // From here one goes to the other's node, and goes on there.
    const moved = await TestDevice.connect(there.url, {
      cursor: ada.pages.at(-1)!.cursor,
      writers: ['ada-------------'],
    });
    expect(moved.welcome.known).toEqual({ 'ada-------------': 1 });
    const last = new TestWriter('new').next();
    await ada.push(last);
    expect(dotsOf(await moved.readTo(5))).toEqual([last.dot]);
  });

  it('[NOD2] a rolling restart of all nodes under load, and the crash of one, lose nothing and repeat nothing', async () => {
    const url = await schemas.database();
    await using nodes = new Nodes(url);
    for (let i = 0; i < 2; i++) await nodes.start();
    const writers = Array.from({ length: 5 }, (_, i) => new LoadWriter(`w${i}`, nodes));
    const readers = Array.from({ length: 2 }, () => new LoadReader(nodes));
    await until(() => writers.every(({ acknowledged }) => acknowledged.length > 3));
    for (const signal of ['SIGTERM', 'SIGTERM', 'SIGKILL'] as const) {
      await nodes.replace(signal);
      const before = writers.map(({ acknowledged }) => acknowledged.length);
      await until(() => writers.every(({ acknowledged }, i) => acknowledged.length > before[i]! + 3));
    }
    expect(nodes.exits).toEqual([0, 0, null]);
    const written = (await Promise.all(writers.map((writer) => writer.stop()))).flat();

    const storage = await postgres(url).open();
    const log = await storage.read('notes', 0, { entries: 100_000, bytes: 1e9 });
    await storage.close();
    const dots = log.flatMap(({ dot }) => (dot === null ? [] : [dot]));
    expect(log.map(({ lsn }) => lsn)).toEqual(log.map((_, i) => i + 1));
    expect(dots.toSorted()).toEqual(written.toSorted());
    for (const reader of readers) {
      const entries = await reader.readTo(log.at(-1)!.stamp[1]);
      expect(entries.map(({ stamp }) => stamp)).toEqual(log.map(({ stamp }) => stamp));
      expect(dotsOf(entries)).toEqual(dots);
    }
  });
});

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 10));
}

/** The real command, several times, on one database. */
class Nodes implements AsyncDisposable {
  readonly exits: (number | null)[] = [];
  readonly #database: string;
  #running: { readonly command: Command; readonly url: string }[] = [];
  #turn = 0;

  constructor(database: string) {
    this.#database = database;
  }

  /** Of one of them, in turn. */
  get url(): string {
    return this.#running[this.#turn++ % this.#running.length]!.url;
  }

  async start(): Promise<void> {
    const env = { SKERRY_DATABASE: this.#database, SKERRY_LOG_LEVEL: 'error' };
    const command = runCommand(['--port', '0'], env);
    this.#running.push({ command, url: await command.url });
  }

  /** The oldest one ends, and a new one begins; devices go to where one is. */
  async replace(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const { command } = this.#running[0]!;
    command.child.kill(signal);
    this.exits.push((await command.ended).code);
    this.#running = this.#running.slice(1);
    await this.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { command } of this.#running) {
      command.child.kill('SIGKILL');
      await command.ended;
    }
  }
}

/** Writes one change after the other, each until somebody has acknowledged it. */
class LoadWriter {
  readonly acknowledged: string[] = [];
  readonly #writer: TestWriter;
  readonly #nodes: Nodes;
  readonly #running: Promise<void>;
  /** The one that waits for its acknowledgement. */
  #change: Change;
  #isOver = false;

  constructor(name: string, nodes: Nodes) {
    this.#writer = new TestWriter(name);
    this.#change = this.#writer.next();
    this.#nodes = nodes;
    this.#running = this.#run();
  }

  async stop(): Promise<readonly string[]> {
    this.#isOver = true;
    await this.#running;
    return this.acknowledged;
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      const device = await connect(this.#nodes, { writers: [this.#writer.inc] });
      if (device) await this.#writeTo(device);
      device?.socket.terminate();
    }
  }

  /** Until it goes away. */
  async #writeTo(device: TestDevice): Promise<void> {
    // The welcome says what was stored although its answer was lost.
    let known: number | null = device.welcome.known[this.#writer.inc] ?? 0;
    while (known !== null) {
      if (known > this.acknowledged.length) {
        this.acknowledged.push(this.#change.dot);
        this.#change = this.#writer.next();
        if (this.#isOver) return;
      }
      known = await this.#push(device, this.#change);
    }
  }

  async #push(device: TestDevice, change: Change): Promise<number | null> {
    const answer = await device.push(change).catch(() => null);
    if (answer?.refused) throw new Error(`refused: ${answer.refused.code}`);
    return answer?.known[this.#writer.inc] ?? null;
  }
}

/** Reads the log, at another node whenever the one it is at goes away. */
class LoadReader {
  readonly #entries: LogEntry[] = [];
  readonly #nodes: Nodes;
  #isOver = false;
  #cursor: VersionVector = {};
  readonly #running: Promise<void>;
  #device: TestDevice | null = null;

  constructor(nodes: Nodes) {
    this.#nodes = nodes;
    this.#running = this.#run();
  }

  async readTo(n: number): Promise<readonly LogEntry[]> {
    await until(() => (this.#entries.at(-1)?.stamp[1] ?? 0) >= n);
    this.#isOver = true;
    this.#device?.socket.terminate();
    await this.#running;
    return this.#entries;
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      const device = await connect(this.#nodes, { cursor: this.#cursor });
      this.#device = device;
      for (;;) {
        const page = (await device?.next('page').catch(() => null)) ?? null;
        if (page === null) break;
        this.#entries.push(...page.entries);
        this.#cursor = page.cursor;
        if (device!.socket.readyState === device!.socket.OPEN) device!.applied(page.cursor);
      }
    }
  }
}

/** Null where nobody is. */
async function connect(nodes: Nodes, hello: Parameters<typeof TestDevice.connect>[1]): Promise<TestDevice | null> {
  const device = await TestDevice.connect(nodes.url, hello).catch(() => null);
  if (!device) await new Promise((resolve) => setTimeout(resolve, 20));
  return device;
}
