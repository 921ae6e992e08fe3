/**
 * The devices of each user, as the server has met them: for the user to look at, and to send away.
 *
 * A device belongs to who was first on it. Its name is its own word, so this keeps out a device that is as it was; against somebody who has
 * taken a token from it, the token has to end too.
 */
import { SkerryError } from '@skerry/sdk/kernel';

import type { AccessRows } from '../storage/access-rows.ts';
import { SPACES_LIMITS as LIMITS } from './limits.ts';
import { listRows, readRow, writeRow } from './rows.ts';

export interface DeviceInfo {
  readonly id: string;
  readonly firstMs: number;
  readonly seenMs: number;
  readonly agent: string | null;
  readonly isRevoked: boolean;
}

/** `other`: of somebody else. `many`: this user has too many. */
export type DeviceVerdict = 'ok' | 'revoked' | 'other' | 'many';

export interface DevicesOptions {
  readonly rows: AccessRows;
  readonly now: () => number;
  readonly onChange: () => Promise<void>;
}

interface Seen {
  readonly user: string;
  readonly device: string;
  readonly atMs: number;
}

const SEEN_AT_ONCE = 200;
/** How exactly it is known when a device was seen last. */
const SEEN_EVERY_MS = 3_600_000;
/** One that was not seen for so long makes room for another. */
const FORGOTTEN_MS = 30 * 86_400_000;
const AGENT_LENGTH = 200;

export class Devices {
  readonly #options: DevicesOptions;
  /** Seen, and not written down yet: many come back at once after a restart, and nobody waits for this. */
  readonly #seen = new Map<string, Seen>();

  constructor(options: DevicesOptions) {
    this.#options = options;
  }

  async admit(user: string, device: string, agent: string | undefined): Promise<DeviceVerdict> {
    const { rows, now } = this.#options;
    const row = await readRow(rows, 'device', user, device);
    if (row?.revokedMs !== undefined) return 'revoked';
    if (!row) return this.#register(user, device, agent);
    if (now() - row.seenMs > SEEN_EVERY_MS) this.#seen.set(`${user}\0${device}`, { user, device, atMs: now() });
    return 'ok';
  }

  async of(user: string): Promise<readonly DeviceInfo[]> {
    const devices = await listRows(this.#options.rows, 'device', user);
    return devices.map(({ id, row: { firstMs, seenMs, agent, revokedMs } }) => ({
      id,
      firstMs,
      seenMs: this.#seen.get(`${user}\0${id}`)?.atMs ?? seenMs,
      agent,
      isRevoked: revokedMs !== undefined,
    }));
  }

  /** Its sockets are closed when this resolves, and it does not come in again. */
  async revoke(user: string, device: string): Promise<void> {
    const { rows, now, onChange } = this.#options;
    await rows.change(async (change) => {
      const row = await readRow(change, 'device', user, device);
      if (!row) throw new SkerryError('NOT_FOUND', 'no device of this name');
      await writeRow(change, 'device', user, device, { ...row, revokedMs: now() });
    });
    await onChange();
  }

  /** Writes down who was seen, some at a time: pushes wait meanwhile. */
  async flush(): Promise<void> {
    const seen = [...this.#seen.values()];
    this.#seen.clear();
    for (let from = 0; from < seen.length; from += SEEN_AT_ONCE)
      await this.#note(seen.slice(from, from + SEEN_AT_ONCE));
  }

  #note(seen: readonly Seen[]): Promise<void> {
    return this.#options.rows.change(async (change) => {
      for (const { user, device, atMs } of seen) {
        const row = await readRow(change, 'device', user, device);
        if (row) await writeRow(change, 'device', user, device, { ...row, seenMs: atMs });
      }
    });
  }

  #register(user: string, device: string, agent: string | undefined): Promise<DeviceVerdict> {
    const nowMs = this.#options.now();
    return this.#options.rows.change(async (change) => {
      const holder = await readRow(change, 'holder', device);
      if (holder && holder.user !== user) return 'other';
      const devices = await listRows(change, 'device', user);
      const before = devices.find(({ id }) => id === device);
      // Met a moment ago, by another connection.
      if (before) return before.row.revokedMs === undefined ? 'ok' : 'revoked';
      const live = devices.filter(({ row }) => row.revokedMs === undefined);
      if (live.length >= LIMITS.devicesPerUser) {
        const oldest = live.reduce((a, b) => (b.row.seenMs < a.row.seenMs ? b : a));
        if (nowMs - oldest.row.seenMs < FORGOTTEN_MS) return 'many';
        await writeRow(change, 'device', user, oldest.id, null);
        await writeRow(change, 'holder', oldest.id, '', null);
      }
      // Those that were sent away are remembered for good.
      if (devices.length - live.length >= LIMITS.revokedPerUser) return 'many';
      const row = { firstMs: nowMs, seenMs: nowMs, agent: agent?.slice(0, AGENT_LENGTH) ?? null };
      await writeRow(change, 'device', user, device, row);
      await writeRow(change, 'holder', device, '', { user });
      return 'ok';
    });
  }
}
