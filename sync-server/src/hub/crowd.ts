/**
 * Who is here, counted: by address, by user and by device, so that one of them cannot take what belongs to all. Counting
 * costs the same however many there are.
 *
 * `network` is what limits for one address count; null is this machine, which they do not concern. Users are the
 * principals of `authenticate`; without it everybody is this machine, and nobody is counted as a user.
 */
import type { Limits } from '@skerry/sdk/kernel';

import { Bucket } from './bucket.ts';
import { Allowance, type Usage } from './pace.ts';

/** A connection from its begin to its end. */
export interface Seat {
  readonly network: string | null;
  user: string | null;
  /** The device and space that it has in `spaces`. */
  place: { readonly device: string; readonly space: string } | null;
  isWaiting: boolean;
}

interface Network {
  waiting: number;
  all: number;
  readonly failures: Bucket;
}

interface User {
  seats: number;
  /** How many connections each device has to each space. */
  readonly spaces: Map<string, Map<string, number>>;
  readonly hellos: Bucket;
  readonly allowance: Allowance;
}

/** All connections of one user together may do so many times what one may. */
const USER_SHARE = 4;

/** Nobody who is gone is remembered much longer than needed. */
export const TIDY_MS = 10_000;

export class Crowd {
  readonly #limits: Limits;
  readonly #maxWaiting: number;
  readonly #networks = new Map<string, Network>();
  readonly #users = new Map<string, User>();
  #waiting = 0;
  #tidiedMs = 0;

  constructor(limits: Limits, maxWaiting: number) {
    this.#limits = limits;
    this.#maxWaiting = maxWaiting;
  }

  /** The status that says why one more from there does not come in. */
  refusal(network: string | null, atMs: number): 429 | 503 | null {
    const here = network === null ? undefined : this.#networks.get(network);
    const { waitingPerAddress, socketsPerAddress } = this.#limits;
    if (here && (here.waiting >= waitingPerAddress || here.all >= socketsPerAddress || !here.failures.has(atMs)))
      return 429;
    return this.#waiting >= this.#maxWaiting ? 503 : null;
  }

  arrive(network: string | null, atMs: number): Seat {
    this.#waiting++;
    const here = this.#networkOf(network, atMs);
    if (here) {
      here.waiting++;
      here.all++;
    }
    return { network, user: null, place: null, isWaiting: true };
  }

  /** A token was not good. */
  failed({ network }: Pick<Seat, 'network'>, atMs: number): void {
    this.#networkOf(network, atMs)?.failures.take(1, atMs);
  }

  /** Whether this user may ask something beside a connection: it costs about what a hello does. */
  asks(user: string, atMs: number): boolean {
    return this.#userOf(user, atMs).hellos.take(1, atMs) === 0;
  }

  /** Why this user does not come in, or null, and then its place is taken. */
  admit(seat: Seat, user: string, { device, space }: NonNullable<Seat['place']>, atMs: number): string | null {
    const { socketsPerUser, spacesPerDevice, hellosPerMinute } = this.#limits;
    const here = this.#userOf(user, atMs);
    if (here.hellos.take(1, atMs) > 0) return `a user may say hello ${hellosPerMinute} times in a minute`;
    if (here.seats >= socketsPerUser) return `a user may have ${socketsPerUser} connections at a time`;
    const spaces = here.spaces.get(device) ?? new Map<string, number>();
    if (!spaces.has(space) && spaces.size >= spacesPerDevice)
      return `a device may be connected to ${spacesPerDevice} spaces at a time`;
    here.spaces.set(device, spaces);
    spaces.set(space, (spaces.get(space) ?? 0) + 1);
    here.seats++;
    seat.user = user;
    seat.place = { device, space };
    return null;
  }

  /** It was let in. */
  seated(seat: Seat): void {
    if (!seat.isWaiting) return;
    seat.isWaiting = false;
    this.#waiting--;
    const here = seat.network === null ? undefined : this.#networks.get(seat.network);
    if (here) here.waiting--;
  }

  /** What the user of this seat has used; the milliseconds to wait before more is read. */
  work({ user }: Seat, usage: Usage, atMs: number): number {
    const here = user === null ? undefined : this.#users.get(user);
    return here ? here.allowance.take(usage, atMs) : 0;
  }

  leave(seat: Seat): void {
    this.seated(seat);
    const network = seat.network === null ? undefined : this.#networks.get(seat.network);
    if (network) network.all--;
    const user = seat.user === null ? undefined : this.#users.get(seat.user);
    if (!user) return;
    user.seats--;
    const { device, space } = seat.place!;
    const spaces = user.spaces.get(device)!;
    const left = spaces.get(space)! - 1;
    if (left > 0) spaces.set(space, left);
    else spaces.delete(space);
    if (spaces.size === 0) user.spaces.delete(device);
    seat.user = null;
  }

  /** Forgets who is gone and owes nothing. */
  tick(atMs: number): void {
    if (atMs - this.#tidiedMs < TIDY_MS) return;
    this.#tidiedMs = atMs;
    for (const [name, { all, failures }] of this.#networks)
      if (all === 0 && failures.isFull(atMs)) this.#networks.delete(name);
    for (const [name, { seats, hellos, allowance }] of this.#users)
      if (seats === 0 && hellos.isFull(atMs) && allowance.isFull(atMs)) this.#users.delete(name);
  }

  /** How many networks and users are remembered. */
  get size(): number {
    return this.#networks.size + this.#users.size;
  }

  #networkOf(network: string | null, atMs: number): Network | null {
    if (network === null) return null;
    const most = this.#limits.failuresPerMinute;
    const here = this.#networks.get(network) ?? { waiting: 0, all: 0, failures: new Bucket(most / 60, most, atMs) };
    this.#networks.set(network, here);
    return here;
  }

  #userOf(user: string, atMs: number): User {
    const { hellosPerMinute } = this.#limits;
    const here = this.#users.get(user) ?? {
      seats: 0,
      spaces: new Map(),
      hellos: new Bucket(hellosPerMinute / 60, hellosPerMinute, atMs),
      allowance: new Allowance(this.#limits, USER_SHARE, atMs),
    };
    this.#users.set(user, here);
    return here;
  }
}
