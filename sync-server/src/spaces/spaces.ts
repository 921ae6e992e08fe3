/**
 * What a server with members knows about who may come in: asked at every hello, and told to the open connections when it changes,
 * whichever node changed it.
 */
import { CLOSE, type Hello } from '@skerry/sdk/kernel';

import type { Principal } from '../hub/access.ts';
import { denied, type Denied } from '../hub/denied.ts';
import { failureFields, type Logger } from '../log.ts';
import type { AccessRow, AccessRows } from '../storage/access-rows.ts';
import { isPlain } from './plain.ts';
import { Devices, type DeviceVerdict } from './devices.ts';
import { Directory } from './directory.ts';
import type { Role } from './role.ts';
import { readRow, rowOf, writeRow } from './rows.ts';

/** What has become of rights that an open connection may have. */
export type Turn =
  | { readonly type: 'role'; readonly space: string; readonly user: string; readonly role: Role | null }
  | { readonly type: 'device'; readonly user: string; readonly device: string }
  | { readonly type: 'signed-out'; readonly user: string; readonly atMs: number };

export interface SpacesOptions {
  readonly rows: AccessRows;
  readonly now: () => number;
  readonly logger: Logger;
  /** Called before anybody else can come in by what was there before. */
  readonly onTurns: (turns: readonly Turn[]) => void;
}

/** Another node's changes are looked for so often: within five seconds they hold here. */
const LOOK_EVERY_MS = 2_000;
const FLUSH_EVERY_MS = 60_000;
const ROWS_PER_LOOK = 1_000;
const MAX_ID_LENGTH = 256;

export class Spaces {
  readonly directory: Directory;
  readonly devices: Devices;
  readonly #options: SpacesOptions;
  #version: number;
  /** The look under way, and the one that begins after it for those who asked meanwhile. */
  #looking: Promise<void> | null = null;
  #next: Promise<void> | null = null;
  #lookedMs = performance.now();
  #flushedMs = performance.now();

  constructor(options: SpacesOptions, version: number) {
    this.#options = options;
    this.#version = version;
    const { rows, now } = options;
    const onChange = (): Promise<void> => this.refresh();
    this.directory = new Directory({ rows, now, onChange });
    this.devices = new Devices({ rows, now, onChange });
  }

  static async open(options: SpacesOptions): Promise<Spaces> {
    return new Spaces(options, await options.rows.version());
  }

  /** Of the changes that were told. What was read before they were told has to be read again. */
  get version(): number {
    return this.#version;
  }

  async admit(principal: Principal, { space, device }: Hello, agent: string | undefined): Promise<Role | Denied> {
    const { id } = principal;
    // Nobody of such a name can be a member.
    if (!isPlain(id) || id.length > MAX_ID_LENGTH) return NOT_A_MEMBER;
    if (await this.isSignedOut(principal)) return SIGNED_OUT;
    const role = await this.directory.roleOf(space, id);
    if (role === null) return NOT_A_MEMBER;
    if (role === 'removed') return REMOVED;
    const verdict = await this.devices.admit(id, device, agent);
    return verdict === 'ok' ? role : DEVICE_DENIED[verdict];
  }

  /** Whether the token is from before a sign-out. One that does not say when it was issued is a matter of `authenticate`. */
  async isSignedOut({ id, issuedAt }: Principal): Promise<boolean> {
    if (issuedAt === undefined) return false;
    const out = await readRow(this.#options.rows, 'signedOut', id);
    return out !== null && issuedAt <= out.atMs;
  }

  /** Ends all sessions of a user; tokens that say that they are from before are not good any more. */
  async signOut(user: string): Promise<void> {
    const { rows, now } = this.#options;
    await rows.change((change) => writeRow(change, 'signedOut', user, '', { atMs: now() }));
    await this.refresh();
  }

  tick(atMs: number): void {
    if (atMs - this.#flushedMs >= FLUSH_EVERY_MS) {
      this.#flushedMs = atMs;
      void this.#quietly(this.devices.flush());
    }
    if (atMs - this.#lookedMs < LOOK_EVERY_MS || this.#looking) return;
    void this.#quietly(this.refresh());
  }

  /** Resolves when everything that is durable now was told. */
  refresh(): Promise<void> {
    if (!this.#looking) return this.#look();
    this.#next ??= this.#looking
      .catch(() => undefined)
      .then(() => {
        this.#next = null;
        return this.#look();
      });
    return this.#next;
  }

  /** Never fails: what could not be written down is when somebody was seen last. */
  async close(): Promise<void> {
    await Promise.all([this.#quietly(this.devices.flush()), this.#looking?.catch(() => undefined)]);
  }

  #look(): Promise<void> {
    this.#looking = this.#tellChanges().finally(() => {
      this.#looking = null;
      this.#lookedMs = performance.now();
    });
    return this.#looking;
  }

  async #tellChanges(): Promise<void> {
    for (;;) {
      const rows = await this.#options.rows.since(this.#version, ROWS_PER_LOOK);
      if (rows.length === 0) return;
      // One change may have set more rows than were asked for: then it is told once more, from its begin.
      const last = rows.at(-1)!.version;
      const isCut = rows.length === ROWS_PER_LOOK && rows[0]!.version < last;
      const whole = isCut ? rows.filter(({ version }) => version < last) : rows;
      this.#version = whole.at(-1)!.version;
      this.#options.onTurns(whole.flatMap(turnOf));
    }
  }

  #quietly(work: Promise<void>): Promise<void> {
    return work.catch((failure: unknown) => this.#options.logger.error('access-failed', failureFields(failure)));
  }
}

function turnOf(row: AccessRow): readonly Turn[] {
  const member = rowOf('member', row);
  if (member) return [{ type: 'role', space: member.of, user: member.id, role: member.row.role }];
  const device = rowOf('device', row);
  if (device?.row.revokedMs !== undefined) return [{ type: 'device', user: device.of, device: device.id }];
  const out = rowOf('signedOut', row);
  return out ? [{ type: 'signed-out', user: out.of, atMs: out.row.atMs }] : [];
}

/** The same for a space that is not there and for one of others. */
export const NOT_A_MEMBER = denied('FORBIDDEN', 'this user may not read this space', CLOSE.forbidden);
export const REMOVED = denied('ACCESS_REVOKED', 'this user is no longer a member of this space', CLOSE.forbidden);
export const SIGNED_OUT = denied('AUTH_REQUIRED', 'this user was signed out', CLOSE.unauthenticated);
export const DEVICE_DENIED: Readonly<Record<Exclude<DeviceVerdict, 'ok'>, Denied>> = {
  revoked: denied('ACCESS_REVOKED', 'this device was signed out', CLOSE.forbidden),
  other: denied('FORBIDDEN', 'this device belongs to another user', CLOSE.forbidden),
  many: denied('RATE_LIMITED', 'this user has too many devices', CLOSE.tryLater),
};
