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
  viewRecord,
  WAIVERS,
  waiverRow,
  type CollectionPlan,
  type Json,
  type Random,
  type RecordState,
  type Row,
} from '@skerry/sdk/kernel';
import {
  copyDisk,
  emptyDisk,
  recordKey,
  TestDevice,
  TestServer,
  Timeline,
  type LocalIntent,
  type MemoryDisk,
} from '@skerry/sdk/testing';

import { checkConstraints, constrainedFields, CONSTRAINTS, constraintsOf } from './constraints.ts';
import { checkQuietEnd } from './oracle.ts';
import { Truth, Violation, type Past } from './truth.ts';

const START_MS = 1_800_000_000_000;
const HOUR_MS = 3_600_000;
const NOTES: CollectionPlan = {
  name: 'notes',
  fields: {
    title: { kind: 'ask' },
    body: { kind: 'text' },
    pinned: { kind: 'lww' },
    tags: { kind: 'set' },
    likes: { kind: 'counter' },
  },
  groups: [
    ['room', 'start'],
    ['begins', 'ends', 'seat', 'mentions', 'parent'],
  ],
  onDeleteVsEdit: 'ask',
  constraints: CONSTRAINTS,
};
const SCHEMAS = new Map([[NOTES.name, compileCollection(NOTES)]]);
const RULES = constraintsOf(NOTES, SCHEMAS);

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
  /** What the rows of the transaction that is being made should be after it. */
  readonly #wanted = new Map<string, Row | null>();
  /** Forms that are open: what they showed. */
  readonly #forms = new Map<string, { readonly seen: RecordState; readonly row: Row; readonly past: Past }>();
  /** What was known of the records that the transaction being made writes from a form. */
  #pasts = new Map<string, Past>();
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
    checkQuietEnd(this.#devices, this.#server, this.#truth, RULES);
    for (const [verdict, count] of this.#server.verdicts) this.#count(`server: ${verdict}`, count);
    if (this.#server.verdicts.has('EQUIVOCATION')) throw new Violation('[I6] one dot came with two contents');
    this.#countConflicts();
    this.#countConstraints();
    const rows = [...this.#devices[0]!.store.disk.rows.values()].map((row) => canonicalJson(row as Json));
    const traceHash = hash128([...this.#trace, ...this.#server.log.map(({ text }) => text), ...rows].join('\n'));
    return { steps, changes: this.#server.log.length, traceHash, counters: this.#counters };
  }

  #act(): void {
    const device = this.#pick(this.#devices);
    const dice = this.#random.fraction();
    if (dice < 0.02) return this.#allow(device);
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
    this.#wanted.clear();
    this.#pasts = new Map();
    const [conflict] = this.#chance(0.15) ? device.store.disk.conflicts.values() : [];
    const count = this.#chance(0.25) ? 1 + this.#below(4) : 1;
    const steps = Array.from({ length: count }, () => this.#step(device, count === 1 && !conflict));
    // Sometimes a decision and ordinary edits are one transaction.
    if (conflict)
      steps.splice(this.#below(steps.length + 1), this.#chance(0.7) ? steps.length : 0, [
        this.#resolution(device, conflict.id),
      ]);
    const about = { tab: this.#below(2), ...(conflict ? { kind: 'resolve' as const } : {}) };
    const dots = device.store.write(steps, about);
    this.#truth.witness(device, dots, this.#pasts);
    if (!conflict) this.#checkReadYourWrites(device, steps);
    if (this.#chance(0.25)) checkConstraints(device, RULES);
    // The hint that something was written may be lost: it is for speed only.
    if (this.#chance(0.9)) device.dispatch({ type: 'local-write' });
    this.#count(conflict ? 'conflict resolved' : 'write');
    if (steps.length > 1) this.#count('several steps in one transaction');
  }

  /** Someone allows what breaks a constraint. */
  #allow(device: TestDevice): void {
    const open = [...device.store.disk.constraints.conflicts.values()];
    if (open.length === 0) return;
    const conflict = this.#pick(open);
    const step: LocalIntent = { collection: WAIVERS, id: conflict.id, row: waiverRow(conflict) };
    const dots = device.store.write([[step]], { kind: 'resolve' });
    this.#truth.witness(device, dots, new Map());
    device.dispatch({ type: 'local-write' });
    if (device.store.disk.constraints.conflicts.has(conflict.id))
      throw new Violation(`[I10] ${device.name} has allowed ${conflict.constraint}, and it is open`);
    checkConstraints(device, RULES);
    this.#count('constraint: allowed');
  }

  /** What one call of the app writes: usually one row, sometimes several. */
  #step(device: TestDevice, isAlone: boolean): LocalIntent[] {
    const ids = new Set(Array.from({ length: this.#chance(0.2) ? 3 : 1 }, () => `r${this.#below(6)}`));
    return [...ids].map((id) => this.#intent(device, id, isAlone));
  }

  #intent(device: TestDevice, id: string, isAlone: boolean): LocalIntent {
    if (isAlone && this.#chance(0.08) && device.store.row('notes', id)) return this.#formSaved(device, id);
    const dice = this.#random.fraction();
    const value = this.#value();
    const pick = this.#below(9);
    return {
      collection: 'notes',
      id,
      edit: (shown) => {
        const next =
          shown && dice > 0.12 ? this.#edited(shown, pick, value) : shown ? null : { id, title: value, likes: 0 };
        if (!next) this.#count('delete');
        this.#wanted.set(id, next);
        return next;
      },
    };
  }

  /** A form shows the row, and is saved a while later as it was shown then. */
  #formSaved(device: TestDevice, id: string): LocalIntent {
    const key = `${device.name} ${id}`;
    const form = this.#forms.get(key);
    if (!form)
      this.#forms.set(key, {
        seen: device.store.seen('notes', id),
        row: device.store.row('notes', id)!,
        past: this.#truth.pastOf(device),
      });
    if (!form) return { collection: 'notes', id, edit: (shown) => shown ?? null };
    this.#forms.delete(key);
    this.#wanted.delete(id);
    this.#pasts.set(recordKey('notes', id), form.past);
    this.#count('form saved');
    return { collection: 'notes', id, seen: form.seen, row: this.#edited(form.row, this.#below(7), this.#value()) };
  }

  #edited(row: Row, pick: number, value: string): Row {
    switch (pick) {
      case 0:
      case 1:
        return { ...row, title: value };
      case 2:
        return { ...row, pinned: value < 'v5' };
      case 3:
        return {
          ...row,
          tags: ['a', 'b', 'c'].filter((_, i) => ((value.length + value.charCodeAt(value.length - 1)) >> i) & 1),
        };
      case 4:
        return { ...row, likes: ((row['likes'] as number | undefined) ?? 0) + 1 + (value.length % 4) };
      case 5:
        return { ...row, body: editedText((row['body'] as string | undefined) ?? 'one\ntwo\nthree\n', value) };
      case 7:
      case 8:
        return { ...row, ...constrainedFields(Number(value.slice(1))) };
      default:
        return { ...row, room: `room ${value.length % 3}`, start: value };
    }
  }

  #resolution(device: TestDevice, conflictId: string): LocalIntent {
    const shown = device.store.disk.conflicts.get(conflictId)!;
    const keeps = this.#chance(0.5);
    const pick = this.#below(2);
    return {
      collection: shown.collection,
      id: shown.rowId,
      change: (current, confirmed) => {
        const schema = SCHEMAS.get(shown.collection)!;
        const open =
          current && openConflicts(schema, shown.rowId, current).find((conflict) => conflict.id === conflictId);
        // An edit earlier in the same transaction may have settled it.
        if (!open || !current) return null;
        if (open.kind === 'delete') return resolveLife(schema, open.rowId, current, keeps ? 'live' : 'dead');
        return resolveRegister({ schema, id: open.rowId, current, confirmed }, open.path, open.versions[pick]!.v);
      },
    };
  }

  /** [I4] What the last step wanted of a row is what the device reads, and what it lists as open is open. */
  #checkReadYourWrites(device: TestDevice, steps: readonly (readonly LocalIntent[])[]): void {
    for (const { collection, id } of steps.flat()) {
      const record = device.store.disk.records.get(recordKey(collection, id));
      const state = record?.overlay ?? record?.base;
      const view = state ? viewRecord(SCHEMAS.get(collection)!, id, state) : { row: null, conflicts: [] };
      const read = device.store.row(collection, id) ?? null;
      if (canonicalJson(view.row as Json) !== canonicalJson(read as Json)) {
        throw new Violation(
          `[I4] ${device.name} reads ${JSON.stringify(read)} where the state says ${JSON.stringify(view.row)}`,
        );
      }
      const listed = [...device.store.disk.conflicts.values()].filter(
        (one) => one.collection === collection && one.rowId === id,
      );
      if (
        listed
          .map((one) => one.id)
          .sort()
          .join() !==
        view.conflicts
          .map((one) => one.id)
          .sort()
          .join()
      ) {
        throw new Violation(`[I10] ${device.name} does not list what is open about ${id}`);
      }
    }
    for (const [id, wanted] of this.#wanted) {
      const row = device.store.row('notes', id) ?? null;
      const filled = wanted && { tags: [], likes: 0, ...wanted };
      if (canonicalJson(filled as Json) !== canonicalJson(row as Json)) {
        throw new Violation(`[I4] ${device.name} wrote ${JSON.stringify(filled)} and reads ${JSON.stringify(row)}`);
      }
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
    device.restart(copyDisk(disk));
    for (const key of this.#forms.keys()) if (key.startsWith(`${device.name} `)) this.#forms.delete(key);
    this.#count('profile put back');
  }

  #clone(device: TestDevice): void {
    if (this.#devices.length >= 6) return;
    this.#addDevice(`${device.name}'${this.#devices.length}`, device.copyDisk());
    this.#count('profile cloned');
  }

  #killOften(): void {
    for (let i = 0; i < 5; i++) this.#timeline.after(this.#random.fraction() * 2_000, () => this.#server.kill());
  }

  #addDevice(name: string, disk: MemoryDisk): void {
    const { timeline, random, server } = { timeline: this.#timeline, random: this.#random, server: this.#server };
    this.#devices.push(
      new TestDevice({ name, schemas: SCHEMAS, constraints: RULES, timeline, random, server, disk, skewMs: 0 }),
    );
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

  #countConstraints(): void {
    for (const { constraint, rowIds } of this.#devices[0]!.store.disk.constraints.conflicts.values()) {
      this.#count(`constraint: ${constraint} open at the end`);
      if (rowIds.length > 2) this.#count('constraint: three rows or more open at the end');
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

/** Changes one line, or adds one. */
function editedText(text: string, value: string): string {
  const lines = text.split('\n');
  const at = value.charCodeAt(value.length - 1) % (lines.length + 1);
  if (at === lines.length) return `${text}${value}\n`;
  lines[at] = `${lines[at]} ${value}`;
  return lines.join('\n');
}
