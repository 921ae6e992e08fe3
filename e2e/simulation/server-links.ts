/**
 * The servers among themselves: who pulls from whom, who cannot reach whom, and what operators do about a server that is
 * lost or was restored.
 */
import { countOf, covers, type Sid } from '@skerry/sdk/kernel';
import { TestPeering, type Timeline } from '@skerry/sdk/testing';

import { Dice } from './dice.ts';
import type { ServerTopology, Shape } from './shape.ts';
import type { SimServer } from './sim-server.ts';

/** From whom each server pulls. A star has its middle in the first server, a ring goes backwards. */
function sourcesOf(server: SimServer, alive: readonly SimServer[], topology: ServerTopology): readonly SimServer[] {
  const others = alive.filter((other) => other !== server);
  switch (topology) {
    case 'all-to-all':
      return others;
    case 'star':
      return server === alive[0] ? others : alive.slice(0, 1);
    case 'ring':
      return others.length === 0 ? [] : [alive.at(alive.indexOf(server) - 1)!];
  }
}

interface ServerLink {
  readonly to: SimServer;
  readonly from: SimServer;
  readonly peering: TestPeering;
}

/** How often an operator looks whether a restored server has got back what it lacked. */
const LOOK_MS = 1_000;

export class ServerLinks {
  readonly #servers: readonly SimServer[];
  readonly #shape: Shape;
  readonly #timeline: Timeline;
  readonly #dice: Dice;
  #links: readonly ServerLink[] = [];

  constructor(servers: readonly SimServer[], shape: Shape, timeline: Timeline, seed: number) {
    this.#servers = servers;
    this.#shape = shape;
    this.#timeline = timeline;
    this.#dice = new Dice(seed);
    this.rewire();
  }

  get alive(): readonly SimServer[] {
    return this.#servers.filter((server) => !server.isLost);
  }

  /** Makes the links that the topology wants among those that are left. */
  rewire(): void {
    const { alive } = this;
    const wanted = alive.flatMap((to) => sourcesOf(to, alive, this.#shape.topology).map((from) => ({ to, from })));
    const isWanted = ({ to, from }: ServerLink): boolean => wanted.some((one) => one.to === to && one.from === from);
    for (const { peering } of this.#links.filter((link) => !isWanted(link))) peering.stop();
    const kept = this.#links.filter(isWanted);
    const missing = wanted.filter(({ to, from }) => !kept.some((link) => link.to === to && link.from === from));
    this.#links = [...kept, ...missing.map(({ to, from }) => this.#connect(to, from))];
  }

  #connect(to: SimServer, from: SimServer): ServerLink {
    const random = new Dice(this.#dice.seed()).random;
    const peering = new TestPeering({ timeline: this.#timeline, random, to: to.test, from: from.test });
    peering.weather.maxDelayMs = this.#shape.betweenMs;
    return { to, from, peering };
  }

  /** Where each link stands: for looking at a failure. */
  describe(): readonly string[] {
    return this.#links.map(({ to, from, peering: { session } }) => {
      const trouble = session?.trouble ? `, ${session.trouble.reason.code} ${session.trouble.reason.message}` : '';
      const busy = session?.link?.isIngesting ? ', ingesting' : '';
      return `${to.name} from ${from.name}: ${session?.phase ?? 'stopped'}${busy}${trouble}`;
    });
  }

  stop(server: SimServer): void {
    server.test.stop();
    for (const { to, peering } of this.#links) if (to === server) peering.stop();
  }

  start(server: SimServer): void {
    server.test.start();
    this.#pullAnew(server);
  }

  #pullAnew(server: SimServer): void {
    for (const { to, peering } of this.#links) if (to === server) peering.restart();
  }

  /** Some of the links are cut for a while, each in one direction. Returns which, in words. */
  partition(dice: Dice, forMs: number): string {
    const cut = this.#links.filter(() => dice.chance(0.6));
    const set = (is: boolean): void => {
      for (const { peering } of cut) peering.isUnreachable = is;
    };
    set(true);
    for (const { peering } of cut) peering.cutLink();
    this.#timeline.after(forMs, () => set(false));
    const names = cut.map(({ to, from }) => `${to.name} from ${from.name}`).join(', ');
    return cut.length === 0 ? 'every server reaches the others' : `nothing gets to ${names}`;
  }

  heal(): void {
    for (const { peering } of this.#links) peering.isUnreachable = false;
    for (const server of this.alive) if (server.test.isStopped && !server.isRefilling) this.start(server);
    this.evictLost();
  }

  /**
   * A server that was restored takes back from the others what it had told them, and speaks to nobody before: then it
   * goes on under a new identity. Where the others have cut their logs since, it cannot, and is written off. First of
   * all the others hang up: what is still on its way from the server that it was would come behind its end.
   */
  refill(server: SimServer): void {
    server.isRefilling = true;
    this.stop(server);
    for (const { from, peering } of this.#links) if (from === server) peering.restart();
    this.#pullAnew(server);
    this.#lookAfter(server);
  }

  #lookAfter(server: SimServer): void {
    this.#timeline.after(LOOK_MS, () => {
      const others = this.alive.filter((other) => other !== server);
      const { sid, cursor } = server.test;
      if (others.some((other) => !covers(cursor, other.test.space.meta.truncated))) return this.lose(server);
      if (others.some((other) => countOf(other.test.cursor, sid) > countOf(cursor, sid)))
        return this.#lookAfter(server);
      server.isRefilling = false;
      server.takeNewIdentity();
      this.start(server);
    });
  }

  lose(server: SimServer): void {
    server.isLost = true;
    server.isRefilling = false;
    this.stop(server);
    this.rewire();
  }

  /** A lost server is written off by one that has everything that any other has of it; null: there is none to write off. */
  evictLost(): { readonly server: SimServer; readonly by: SimServer } | null {
    const { alive } = this;
    for (const server of this.#servers) {
      const { sid } = server.test;
      if (!server.isLost || alive.some(({ test }) => Object.hasOwn(test.space.meta.topology.evicted, sid))) continue;
      const most = Math.max(...alive.map(({ test }) => countOf(test.cursor, sid)));
      const by = alive.find(
        ({ test, isRefilling }) => !test.isStopped && !isRefilling && countOf(test.cursor, sid) === most,
      );
      if (!by) return null;
      by.test.evict(sid);
      return { server, by };
    }
    return null;
  }

  /** What keeps the servers from being equal, in words; null when they are. */
  unequal(): string | null {
    const [first, ...others] = this.alive;
    for (const server of this.#servers) {
      if (server.isRefilling) return `${server.name} has not got back what it lacked`;
      if (server.isLost && !this.#isWrittenOff(server.test.sid)) return `${server.name} is not written off`;
    }
    for (const other of others) {
      const [a, b] = [first!.test.cursor, other.test.cursor];
      const sid = [...Object.keys(a), ...Object.keys(b)].find((one) => countOf(a, one) !== countOf(b, one));
      if (sid) return `${first!.name} has ${countOf(a, sid)} of ${sid}, ${other.name} has ${countOf(b, sid)}`;
    }
    return null;
  }

  #isWrittenOff(sid: Sid): boolean {
    return this.alive.some(({ test }) => Object.hasOwn(test.space.meta.topology.evicted, sid));
  }
}
