/**
 * Connections to PostgreSQL: a pool of them for what is short, and single ones for what is held. A session is one
 * connection and never another: when that is lost, whatever is asked of it fails.
 *
 * Statements that are asked without waiting for the one before travel together, so that many cost one round trip.
 */
import pg from 'pg';

import { failureOf, PostgresFailure } from './failure.ts';
import type { Settings } from './settings.ts';

/** A prepared statement; its name stands for its text on every connection. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

export type Value = string | number | boolean | null | readonly (string | number | null)[];

/** A connection that takes longer to be made, or to be free, is not waited for. */
const CONNECT_TIMEOUT_MS = 5_000;
const IDLE_TIMEOUT_MS = 30_000;

/**
 * What every session is told first. A transaction whose node hangs gives its locks back, a lock or a statement is not waited
 * for for ever, and a commit that is reported is on disk even where the default of the database is faster.
 */
function setup(answerMs: number, idleMs: number): string {
  return [
    `SET idle_in_transaction_session_timeout = ${idleMs}`,
    `SET lock_timeout = ${Math.min(LOCK_MS, answerMs)}`,
    `SET statement_timeout = ${answerMs}`,
    `SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'`,
  ].join('; ');
}

const LOCK_MS = 10_000;
const IDLE_MS = 10_000;
/** A held session waits for a device between two questions. */
const HELD_IDLE_MS = 120_000;

const INT8_OID = 20;

export class Session {
  readonly #client: pg.Client;
  #isOver = false;

  constructor(client: pg.Client) {
    this.#client = client;
  }

  /** From here on the connection is somebody else's. */
  giveBack(): void {
    this.#isOver = true;
  }

  async query<Row extends object>(statement: Statement, values: readonly Value[]): Promise<readonly Row[]> {
    return (await this.#ask<Row>({ ...statement, values: [...values] })).rows;
  }

  /** How many rows it has changed. */
  async change(statement: Statement, values: readonly Value[]): Promise<number> {
    return (await this.#ask({ ...statement, values: [...values] })).rowCount ?? 0;
  }

  /** One or several statements without values; answers the tag of the last of them. */
  async run(text: string): Promise<string> {
    const result: unknown = await this.#ask({ text });
    const last = (Array.isArray(result) ? result.at(-1) : result) as pg.QueryResult;
    return last.command;
  }

  #ask<Row extends object = object>(question: pg.QueryConfig): Promise<pg.QueryResult<Row>> {
    if (this.#isOver) return Promise.reject(new Error('Broken invariant: a session was used after it was given back'));
    return this.#client.query<Row>(question).catch((cause: unknown) => {
      throw failureOf(cause);
    });
  }
}

/** A session of its own, outside of the pool. */
export interface HeldSession {
  readonly session: Session;
  onNotification(listener: (payload: string) => void): void;
  /** Resolves when the connection has ended, however it did. */
  readonly ended: Promise<void>;
  close(): Promise<void>;
}

export class Sessions {
  readonly #config: pg.PoolConfig;
  readonly #answerMs: number;
  readonly #pool: pg.Pool;

  constructor({ url, connections: max, answerMs }: Pick<Settings, 'url' | 'connections' | 'answerMs'>) {
    const config = {
      connectionString: url,
      application_name: 'skerry',
      connectionTimeoutMillis: Math.min(CONNECT_TIMEOUT_MS, answerMs),
      keepAlive: true,
      // Where not even the refusal of the database comes back, the way to it is gone.
      query_timeout: Math.ceil(1.2 * answerMs),
      pipeline: true,
      types: { getTypeParser },
    } as const;
    this.#config = config;
    this.#answerMs = answerMs;
    this.#pool = new pg.Pool({ ...config, max, idleTimeoutMillis: IDLE_TIMEOUT_MS });
    // Who uses a connection hears of its end from what was asked; nobody has to hear of the end of an idle one.
    this.#pool.on('error', () => undefined);
    this.#pool.on('connect', (client) => {
      client.on('error', () => undefined);
      client.query(setup(answerMs, IDLE_MS)).catch(() => undefined);
    });
  }

  /** Lends a session; one that was lost meanwhile is not lent again. */
  async use<T>(work: (session: Session) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect().catch((cause: unknown) => {
      throw failureOf(cause);
    });
    const session = new Session(client);
    let isLost = false;
    try {
      return await work(session);
    } catch (failure) {
      isLost = failure instanceof PostgresFailure && failure.isLost;
      throw failure;
    } finally {
      session.giveBack();
      client.release(isLost || client.getTransactionStatus() !== 'I');
    }
  }

  async hold(): Promise<HeldSession> {
    const client = new pg.Client(this.#config);
    client.on('error', () => undefined);
    const ended = new Promise<void>((resolve) => client.once('end', () => resolve()));
    try {
      await client.connect();
      await client.query(setup(this.#answerMs, HELD_IDLE_MS));
    } catch (cause) {
      void client.end().catch(() => undefined);
      throw failureOf(cause);
    }
    return {
      session: new Session(client),
      onNotification: (listener) => void client.on('notification', ({ payload }) => listener(payload ?? '')),
      ended,
      close: () => client.end().catch(() => undefined),
    };
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }
}

/** Numbers here are at most 2^53 - 1: the protocol allows no other. */
function getTypeParser(oid: number, format?: 'text' | 'binary'): (value: string) => unknown {
  return oid === INT8_OID ? Number : (pg.types.getTypeParser(oid, format as 'text') as (value: string) => unknown);
}
