/**
 * One seed, one world: a few devices, a server and everything that can go wrong between them, in virtual time. Every
 * decision comes from the seed, so a failure is a number that can be run again.
 */
import {
  canonicalJson,
  compileCollection,
  hash128,
  openConflicts,
  randomName,
  resolveLife,
  resolveRegister,
  seededRandom,
  type Json,
  type Random,
} from '@skerry/sdk/kernel';
import { emptyDisk, TestDevice, TestServer, Timeline, type LocalIntent, type MemoryDisk } from '@skerry/sdk/testing';

import { checkQuietEnd } from './oracle.ts';
import { Truth, Violation } from './truth.ts';

const START_MS = 1_800_000_000_000;
const HOUR_MS = 3_600_000;
const SCHEMAS = new Map([
  [
    'notes',
    compileCollection({
      name: 'notes',
      fields: { title: { kind: 'ask' }, pinned: { kind: 'lww' }, tags: { kind: 'set' }, likes: { kind: 'counter' } },
      groups: [['room', 'start']],
      onDeleteVsEdit: 'ask',
    }),
  ],
]);

export interface WorldResult {
  readonly steps: number;
  readonly changes: number;
  /** The same for every run of the same seed. */
  readonly traceHash: string;
  readonly counters: ReadonlyMap<string, number>;
}

export class World {
  readonly #random: Random;
  readonly #timeline = new Timeline(START_MS);
  readonly #server: TestServer;
  readonly #truth: Truth;
  readonly #devices: TestDevice[] = [];
  readonly #backups: { readonly device: TestDevice; readonly disk: MemoryDisk }[] = [];
  readonly #counters = new Map<string, number>();
  readonly #trace: string[] = [];
  #values = 0;
  #steps = 0;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
    const commitMs = (): number => this.#random.fraction() * 30;
    this.#server = new TestServer({
      sid: randomName(64, this.#random),
      timeline: this.#timeline,
      commitMs,
      limits: { entriesPerPage: 1 + this.#below(40) },
    });
    this.#truth = new Truth(this.#server);
    const count = 2 + this.#below(3);
    for (let i = 0; i < count; i++) this.#addDevice(`d${i}`, emptyDisk(randomName(128, this.#random)));
  }

  get steps(): number {
    return this.#steps;
  }

  run(): WorldResult {
    const steps = 60 + this.#below(200);
    for (this.#steps = 0; this.#steps < steps; this.#steps++) {
      this.#act();
      const pauseMs = this.#chance(0.03) ? 10 * 60_000 : this.#chance(0.4) ? 0 : this.#random.fraction() * 800;
      this.#timeline.runUntil(this.#timeline.nowMs + pauseMs);
    }
    this.#quiesce();
    checkQuietEnd(this.#devices, this.#server, this.#truth);
    for (const [verdict, count] of this.#server.verdicts) this.#count(`server: ${verdict}`, count);
    if (this.#server.verdicts.has('EQUIVOCATION')) throw new Violation('[I6] one dot came with two contents');
    this.#countConflicts();
    const rows = [...this.#devices[0]!.store.disk.rows.values()].map((row) => canonicalJson(row as Json));
    const traceHash = hash128([...this.#trace, ...this.#server.log.map(({ text }) => text), ...rows].join('\n'));
    return { steps, changes: this.#server.log.length, traceHash, counters: this.#counters };
  }

  #act(): void {
    const device = this.#pick(this.#devices);
    const dice = this.#random.fraction();
    if (dice < 0.62) return this.#write(device);
    if (dice < 0.68) return this.#do('link cut', () => device.cutLink());
    if (dice < 0.73)
      return this.#do('unreachable for a while', () => this.#during(device, (is) => (device.isUnreachable = is)));
    if (dice < 0.77)
      return this.#do('deaf for a while', () => this.#during(device, (is) => (device.weather.isDownSilent = is)));
    if (dice < 0.81)
      return this.#do('mute for a while', () => this.#during(device, (is) => (device.weather.isUpSilent = is)));
    if (dice < 0.83)
      return this.#do('slow for a while', () =>
        this.#during(device, (is) => (device.weather.maxDelayMs = is ? 4_000 : 50)),
      );
    if (dice < 0.87) return this.#do('syncing context crashed', () => this.#crashSync(device));
    if (dice < 0.9) return this.#do('browser restarted', () => device.restart());
    if (dice < 0.93) return this.#do('server killed', () => this.#server.kill());
    if (dice < 0.95)
      return this.#do('profile backed up', () => void this.#backups.push({ device, disk: device.copyDisk() }));
    if (dice < 0.965) return this.#restore();
    if (dice < 0.975) return this.#clone(device);
    if (dice < 0.99) return this.#do('clock jumped', () => (device.skewMs = this.#skew()));
    return this.#do('server killed often', () => this.#killOften());
  }

  #write(device: TestDevice): void {
    const intents = Array.from({ length: this.#chance(0.2) ? 3 : 1 }, () => this.#intent(device));
    const distinct = [...new Map(intents.map((intent) => [`${intent.collection}/${intent.id}`, intent])).values()];
    const isResolution = distinct.some((intent) => 'change' in intent);
    const dots = device.store.write(
      isResolution ? distinct.filter((intent) => 'change' in intent).slice(0, 1) : distinct,
      {
        tab: this.#below(2),
        ...(isResolution ? { kind: 'resolve' as const } : {}),
      },
    );
    this.#truth.witness(device, dots);
    for (const intent of distinct) if (!isResolution) this.#checkReadYourWrite(device, intent);
    // The hint that something was written may be lost: it is for speed only.
    if (this.#chance(0.9)) device.dispatch({ type: 'local-write' });
    this.#count(isResolution ? 'conflict resolved' : 'write');
  }

  #intent(device: TestDevice): LocalIntent {
    const [conflict] = this.#chance(0.15) ? device.store.disk.conflicts.values() : [];
    if (conflict) return this.#resolution(device, conflict.id);
    const id = `r${this.#below(6)}`;
    const row = device.store.row('notes', id);
    if (!row) return { collection: 'notes', id, row: { id, title: this.#value(), likes: 0 } };
    if (this.#chance(0.12)) {
      this.#count('delete');
      return { collection: 'notes', id, row: null };
    }
    return { collection: 'notes', id, row: this.#edited(row) };
  }

  #edited(row: Readonly<Record<string, Json>>): Readonly<Record<string, Json>> {
    switch (this.#below(6)) {
      case 0:
      case 1:
        return { ...row, title: this.#value() };
      case 2:
        return { ...row, pinned: this.#chance(0.5) };
      case 3:
        return { ...row, tags: ['a', 'b', 'c'].filter(() => this.#chance(0.5)) };
      case 4:
        return { ...row, likes: ((row['likes'] as number | undefined) ?? 0) + 1 + this.#below(4) };
      default:
        return { ...row, room: `room ${this.#below(3)}`, start: this.#value() };
    }
  }

  #resolution(device: TestDevice, conflictId: string): LocalIntent {
    const shown = device.store.disk.conflicts.get(conflictId)!;
    const keeps = this.#chance(0.5);
    const pick = this.#below(2);
    return {
      collection: shown.collection,
      id: shown.rowId,
      change: (stored) => {
        const schema = SCHEMAS.get(shown.collection)!;
        const current = stored?.overlay ?? stored?.base;
        const open =
          current && openConflicts(schema, shown.rowId, current).find((conflict) => conflict.id === conflictId);
        if (!open || !current)
          throw new Violation(`[I10] ${device.name} lists the conflict ${conflictId}, which is not open`);
        if (open.kind === 'delete') return resolveLife(schema, open.rowId, current, keeps ? 'live' : 'dead');
        const value = open.versions[pick]!.v;
        return resolveRegister({ schema, id: open.rowId, current, confirmed: stored?.base }, open.path, value);
      },
    };
  }

  #checkReadYourWrite(device: TestDevice, intent: LocalIntent): void {
    if (!('row' in intent)) return;
    const row = device.store.row(intent.collection, intent.id);
    const { tags: _a, ...wanted } = intent.row ?? {};
    const { tags: _b, ...found } = row ?? {};
    if (canonicalJson(wanted as Json) !== canonicalJson(found as Json)) {
      throw new Violation(`[I4] ${device.name} wrote ${JSON.stringify(wanted)} and reads ${JSON.stringify(found)}`);
    }
  }

  #crashSync(device: TestDevice): void {
    device.crashSync();
    this.#timeline.after(this.#random.fraction() * 5_000, () => {
      if (device.session === null) device.start();
    });
  }

  #restore(): void {
    if (this.#backups.length === 0) return;
    const { device, disk } = this.#pick(this.#backups);
    const kept = new Set([...disk.outbox.values()].map((row) => row.dot));
    const lost = [...device.store.disk.outbox.values()].flatMap((row) =>
      row.dot && !kept.has(row.dot) ? [row.dot] : [],
    );
    this.#truth.excuse(lost);
    device.restart({ ...copy(disk) });
    this.#count('profile put back');
  }

  #clone(device: TestDevice): void {
    if (this.#devices.length >= 6) return;
    this.#addDevice(`${device.name}'`, device.copyDisk());
    this.#count('profile cloned');
  }

  #killOften(): void {
    for (let i = 0; i < 5; i++) this.#timeline.after(this.#random.fraction() * 2_000, () => this.#server.kill());
  }

  #addDevice(name: string, disk: MemoryDisk): void {
    const { timeline, random, server } = { timeline: this.#timeline, random: this.#random, server: this.#server };
    this.#devices.push(new TestDevice({ name, schemas: SCHEMAS, timeline, random, server, disk, skewMs: 0 }));
  }

  #during(device: TestDevice, set: (is: boolean) => void): void {
    set(true);
    this.#timeline.after(this.#random.fraction() * (this.#chance(0.2) ? HOUR_MS : 20_000), () => set(false));
    if (this.#chance(0.3)) device.cutLink();
  }

  #skew(): number {
    return this.#pick([0, HOUR_MS, -HOUR_MS, 365 * 24 * HOUR_MS, -365 * 24 * HOUR_MS, 30_000, 90_000]);
  }

  /** The network heals, everybody is running, and after a while nothing is left to do. */
  /** Where everybody stands: for looking at a failure. */
  describe(): unknown {
    const log = this.#server.log.length;
    return this.#devices.map(({ name, session, store }) => ({
      name,
      phase: session?.phase,
      trouble: session?.trouble,
      stall: session?.stall,
      pushing: session?.link?.pushing.type,
      held: session?.link?.held,
      outbox: store.disk.outbox.size,
      cursor: store.disk.replica.cursor,
      log,
    }));
  }

  #quiesce(): void {
    this.#timeline.runUntil(this.#timeline.nowMs + 2 * HOUR_MS);
    for (const device of this.#devices) {
      device.isUnreachable = false;
      Object.assign(device.weather, { maxDelayMs: 50, isUpSilent: false, isDownSilent: false });
      if (device.session === null) device.start();
      device.dispatch({ type: 'local-write' });
    }
    this.#timeline.runUntil(this.#timeline.nowMs + 5 * 60_000);
  }

  #countConflicts(): void {
    for (const conflict of this.#devices[0]!.store.disk.conflicts.values()) {
      this.#count(`open at the end: ${conflict.kind}`);
      if (conflict.kind === 'field' && conflict.versions.length > 2)
        this.#count('open at the end: three versions or more');
    }
  }

  #do(name: string, act: () => unknown): void {
    this.#trace.push(name);
    this.#count(name);
    act();
  }

  #count(name: string, by = 1): void {
    this.#counters.set(name, (this.#counters.get(name) ?? 0) + by);
  }

  #value(): string {
    return `v${++this.#values}`;
  }

  #below(n: number): number {
    return Math.floor(this.#random.fraction() * n);
  }

  #chance(p: number): boolean {
    return this.#random.fraction() < p;
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.#below(items.length)]!;
  }
}

function copy(disk: MemoryDisk): MemoryDisk {
  const { replica, records, outbox, conflicts, writers, rows } = disk;
  return {
    replica,
    records: new Map(records),
    outbox: new Map(outbox),
    conflicts: new Map(conflicts),
    writers: new Map(writers),
    rows: new Map(rows),
  };
}
