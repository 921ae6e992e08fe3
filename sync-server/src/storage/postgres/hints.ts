/**
 * What nodes on one database tell each other: which spaces have grown. A hint is sent after its transaction and outside of it,
 * those of the meantime together, and it may be lost; what is true is in the tables, and is looked for there now and then.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

import type { Hint } from '../port.ts';
import type { Sessions } from './sessions.ts';
import { quoted, type Statements } from './statements.ts';

/** A payload of PostgreSQL has less than 8,000 bytes. */
const PAYLOAD_BYTES = 7_900;
const RECONNECT_MS = 500;

export interface HintsOptions {
  readonly sessions: Sessions;
  readonly statements: Statements;
  readonly schema: string;
  /** How often everything is looked at although nothing was heard, in milliseconds. */
  readonly pollMs: number;
}

export class Hints {
  readonly #options: HintsOptions;
  /** Tells what came from here. */
  readonly #node = randomBytes(6).toString('base64url');
  readonly #channel: string;
  readonly #grown = new Map<string, number>();
  readonly #stop = new AbortController();
  #sending: Promise<void> | null = null;
  #listening: Promise<void> | null = null;
  #poll: NodeJS.Timeout | null = null;
  #listener: ((hint: Hint | null) => void) | null = null;

  constructor(options: HintsOptions) {
    this.#options = options;
    this.#channel = `skerry ${options.schema}`.slice(0, 63);
  }

  /** Tells the other nodes how far these logs go. */
  send(grown: ReadonlyMap<string, number>): void {
    for (const [space, lsn] of grown) this.#grown.set(space, Math.max(lsn, this.#grown.get(space) ?? 0));
    // A node that cannot tell is not told either: the others look for themselves.
    if (this.#grown.size > 0)
      this.#sending ??= this.#send()
        .catch(() => undefined)
        .finally(() => (this.#sending = null));
  }

  listen(listener: (hint: Hint | null) => void): void {
    this.#listener = listener;
    this.#listening ??= this.#listen();
    this.#poll ??= setInterval(() => listener(null), this.#options.pollMs).unref();
  }

  /** What this node itself does not know for certain. */
  doubt(spaces: Iterable<string>): void {
    for (const space of spaces) this.#listener?.({ space, lsn: Number.MAX_SAFE_INTEGER });
  }

  async close(): Promise<void> {
    this.#stop.abort();
    if (this.#poll) clearInterval(this.#poll);
    await Promise.all([this.#sending, this.#listening]);
  }

  async #send(): Promise<void> {
    const { sessions, statements } = this.#options;
    while (this.#grown.size > 0) {
      const payload = this.#take();
      await sessions.use((session) => session.query(statements.notify, [this.#channel, payload]));
    }
  }

  /** As much as fits. */
  #take(): string {
    let text = JSON.stringify([this.#node]);
    for (const hint of this.#grown) {
      const longer = `${text.slice(0, -1)},${JSON.stringify(hint)}]`;
      if (Buffer.byteLength(longer) > PAYLOAD_BYTES) break;
      text = longer;
      this.#grown.delete(hint[0]);
    }
    return text;
  }

  async #listen(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await this.#listenOnce(signal).catch(() => undefined);
      await delay(RECONNECT_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  async #listenOnce(signal: AbortSignal): Promise<void> {
    const held = await this.#options.sessions.hold();
    const close = (): void => void held.close();
    signal.addEventListener('abort', close, { once: true });
    try {
      if (signal.aborted) return;
      held.onNotification((payload) => this.#hear(payload));
      await held.session.run(`LISTEN ${quoted(this.#channel)}`);
      // Whatever was said before has not been heard.
      this.#listener?.(null);
      await held.ended;
    } finally {
      signal.removeEventListener('abort', close);
      await held.close();
    }
  }

  #hear(payload: string): void {
    for (const { space, lsn } of hintsIn(payload, this.#node)) this.#listener?.({ space, lsn });
  }
}

/** Anybody with access to the database may send anything. */
function hintsIn(payload: string, own: string): readonly Hint[] {
  try {
    const [node, ...hints] = JSON.parse(payload) as readonly unknown[];
    if (node === own) return [];
    return hints.flatMap((hint) => {
      const [space, lsn] = hint as readonly unknown[];
      return typeof space === 'string' && typeof lsn === 'number' ? [{ space, lsn }] : [];
    });
  } catch {
    return [];
  }
}
