/**
 * One script, one world: devices, servers and everything that can go wrong between them, in virtual time. Every decision
 * comes from the script, so a failure is a number that can be run again, and a part of the script can be left out.
 */
import { emptyDisk, Timeline } from '@skerry/sdk/testing';
import { canonicalJson, hash128, randomName, type Json, type Sid } from '@skerry/sdk/kernel';

import { checkSettled } from './bounded.ts';
import { Counters } from './counters.ts';
import { Dice } from './dice.ts';
import { checkQuietEnd } from './oracle.ts';
import { Perform } from './perform.ts';
import { Quiescence } from './quiescence.ts';
import type { Script } from './script.ts';
import { ServerLinks } from './server-links.ts';
import { checkDevice, checkSaved, checkServer, checkSession } from './session-check.ts';
import { SimDevice } from './sim-device.ts';
import { SimServer } from './sim-server.ts';
import { Transactions } from './transactions.ts';
import { Knowledge, Truth } from './truth.ts';

const START_MS = 1_800_000_000_000;
/** Every so many steps a whole replica is compared with what it was told. */
const CHECK_EVERY = 12;

export interface WorldResult {
  readonly steps: number;
  readonly changes: number;
  /** The same for every run of the same script. */
  readonly traceHash: string;
  readonly counters: ReadonlyMap<string, number>;
}

export class World {
  readonly script: Script;
  readonly timeline = new Timeline(START_MS);
  readonly truth = new Truth();
  readonly counters = new Counters();
  readonly transactions = new Transactions(this.truth, this.counters);
  readonly devices: SimDevice[] = [];
  readonly servers: readonly SimServer[];
  readonly links: ServerLinks;
  /** What a device knows that has taken a snapshot, by the snapshot's id. */
  readonly snapshots = new Map<string, Knowledge>();
  /** A server's disk was lost or put back. */
  hadDisaster = false;
  readonly #dice: Dice;
  readonly #perform: Perform;
  readonly #told: string[] = [];
  #step = 0;

  constructor(script: Script) {
    const { seed, shape } = script;
    this.script = script;
    this.#dice = new Dice(seed ^ 0x5eed);
    const sids = Array.from({ length: shape.servers }, () => randomName(64, this.#dice.random));
    this.servers = sids.map((sid, i) => this.#makeServer(i, sid, sids));
    this.links = new ServerLinks(this.servers, shape, this.timeline, this.#dice.seed());
    for (let i = 0; i < shape.devices; i++) {
      const app = shape.isMixed && i % 2 === 1 ? 1 : 0;
      this.addDevice({ name: `d${i}`, app, home: this.servers[this.#dice.below(shape.servers)]! });
    }
    if (shape.isMixed) this.counters.count('two versions of the app');
    this.#perform = new Perform(this, this.transactions);
    for (const server of this.servers) this.#keepUp(server);
  }

  /** Of the script; where it stands when something goes wrong. */
  get step(): number {
    return this.#step;
  }

  /** What was done so far, in words, one line each. */
  get told(): readonly string[] {
    return this.#told;
  }

  run(): WorldResult {
    for (const { no, action, pauseMs } of this.script.steps) {
      this.#step = no;
      const atS = ((this.timeline.nowMs - START_MS) / 1_000).toFixed(2);
      const words = this.#perform.perform(action);
      this.#told.push(`${String(no).padStart(4)}  ${atS.padStart(8)} s  ${words}`);
      this.timeline.runUntil(this.timeline.nowMs + pauseMs);
      this.#checkStep();
    }
    this.#step = Infinity;
    new Quiescence(this).reach();
    checkQuietEnd(this);
    checkSettled(this);
    const changes = this.truth.changes.size;
    return { steps: this.script.steps.length, changes, traceHash: this.#traceHash(), counters: this.#allCounters() };
  }

  addDevice(about: {
    readonly name: string;
    readonly app: 0 | 1;
    readonly home: SimServer;
    readonly from?: SimDevice;
  }): void {
    const { name, app, home, from } = about;
    const disk = emptyDisk(randomName(128, this.#dice.random));
    const saved = from?.save() ?? { disk, knowledge: new Knowledge(), corrupted: null };
    const { timeline, truth, counters, snapshots } = this;
    const seed = this.#dice.seed();
    this.devices.push(new SimDevice({ name, app, saved, seed, timeline, home, truth, counters, snapshots }));
  }

  /** A disk was lost or put back: what nobody alive holds any more may be missing at the end. */
  excuseWhatNobodyHas(): void {
    const held = [
      ...this.servers.filter((server) => !server.isLost).map((server) => server.knowledge.applied),
      ...this.devices.map((device) => device.carried()),
    ];
    for (const { index } of this.truth.changes.values())
      if (!held.some((set) => set.has(index))) this.truth.excused.add(index);
  }

  #makeServer(place: number, sid: Sid, founders: readonly Sid[]): SimServer {
    const { timeline, truth, counters, snapshots } = this;
    const seed = this.#dice.seed();
    const name = `S${place}`;
    return new SimServer({
      name,
      place,
      sid,
      founders,
      seed,
      shape: this.script.shape,
      timeline,
      truth,
      counters,
      snapshots,
    });
  }

  #keepUp(server: SimServer): void {
    this.timeline.after(this.script.shape.maintainMs, () => {
      if (!server.isLost && !server.test.isStopped) server.test.maintain();
      this.#keepUp(server);
    });
  }

  #checkStep(): void {
    for (const device of this.devices) {
      checkSession(device, this.truth);
      if (!this.hadDisaster) checkSaved(device, this.servers, this.truth);
    }
    if (this.#step % CHECK_EVERY !== 0) return;
    checkDevice(this.devices[(this.#step / CHECK_EVERY) % this.devices.length]!, this.truth, this.truth.contested);
    const { alive } = this.links;
    checkServer(alive[(this.#step / CHECK_EVERY) % alive.length]!, this.truth, this.truth.contested);
  }

  #traceHash(): string {
    const rows = this.devices.flatMap((device) => [...device.disk.rows.values()]);
    const logs = this.servers.map(({ test }) => canonicalJson(test.space.meta as unknown as Json));
    return hash128([...this.#told, ...logs, ...rows.map((row) => canonicalJson(row as Json))].join('\n'));
  }

  #allCounters(): ReadonlyMap<string, number> {
    for (const { test } of this.servers)
      for (const [verdict, times] of test.verdicts) this.counters.count(`server: ${verdict}`, times);
    return this.counters.all;
  }
}
