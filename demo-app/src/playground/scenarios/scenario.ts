/**
 * What a scenario is: who takes part, what they do step by step, and what is claimed to be so in the end. It speaks to a
 * stage, which may be frames in a page or devices in a test.
 */
import type { FieldConflict } from '@skerry/sdk';

import type { DemoDb, Note } from '../../data/schema.ts';
import { possessive } from '../../ui/author.ts';
import { CAST, type DeviceId } from '../cast.ts';

export interface StageDevice {
  readonly id: DeviceId;
  /** Another one after crash(). */
  readonly db: DemoDb;
}

export interface Stage {
  readonly devices: readonly StageDevice[];
  device(id: DeviceId): StageDevice;
  cut(...ids: readonly DeviceId[]): Promise<void>;
  connect(...ids: readonly DeviceId[]): Promise<void>;
  /** Everyone who has a network has sent and read everything. */
  settled(): Promise<void>;
  /** The device's window is torn away as it stands, and opened again. */
  crash(id: DeviceId): Promise<void>;
  /** The true time, in milliseconds since 1970: a device's clock may be wrong. */
  nowMs(): number;
}

export interface Step {
  readonly text: string;
  /** Who does it: these devices are pointed at. */
  readonly by: readonly DeviceId[];
  run(stage: Stage): Promise<void>;
  /** Looked at once, right after the step: later it would be otherwise. */
  readonly claim?: Claim;
}

export interface Claim {
  readonly text: string;
  check(stage: Stage): Promise<Finding>;
}

export interface Finding {
  readonly holds: boolean;
  /** What stands in the databases, in a few words. */
  readonly found: string;
}

export interface Scenario {
  /** In its address: `#/playground/same-field`. */
  readonly id: string;
  readonly title: string;
  readonly question: string;
  readonly cast: readonly DeviceId[];
  /** Devices whose clock is wrong, by how many minutes it is ahead. */
  readonly clocks?: Readonly<Partial<Record<DeviceId, number>>>;
  /** Where the devices look, as the hash of the app's address. */
  readonly shows: string;
  /** The first is how it begins: it is done before anybody plays. */
  readonly steps: readonly Step[];
  /** What is so when all steps are done. */
  readonly claims: readonly Claim[];
}

/** The one note that most scenarios are about. */
export const NOTE = 'playground-note';
export const NOTE_ROUTE = `#/notes/${NOTE}`;

export function noteShared(by: DeviceId, note: Partial<Note>): Step {
  const whole: Note = { title: 'Boat trip', body: '', tags: [], pinned: false, ...note };
  return {
    text: 'There is a note, and every device has it.',
    by: [by],
    async run(stage) {
      await stage.device(by).db.notes.insert({ id: NOTE, ...whole });
      await stage.settled();
    },
  };
}

export function cut(...ids: readonly DeviceId[]): Step {
  return {
    text: `${whose(ids)} cut.`,
    by: ids,
    run: (stage) => stage.cut(...ids),
  };
}

export function reconnect(...ids: readonly DeviceId[]): Step {
  return {
    text: `${whose(ids)} back.`,
    by: ids,
    async run(stage) {
      await stage.connect(...ids);
      await stage.settled();
    },
  };
}

function whose(ids: readonly DeviceId[]): string {
  const [first] = ids;
  return ids.length === 1
    ? `${possessive(CAST[first!].name)} network is`
    : ids.length === 2
      ? 'Both networks are'
      : 'All networks are';
}

export function edit(by: DeviceId, text: string, patch: Partial<Note>): Step {
  return { text, by: [by], run: (stage) => stage.device(by).db.notes.update(NOTE, patch) };
}

/** What every device has in its database, when that is one thing; otherwise null. */
export async function sameOnAll<T>(stage: Stage, read: (db: DemoDb) => T | Promise<T>): Promise<T | null> {
  const all = await Promise.all(stage.devices.map(({ db }) => read(db)));
  const [first] = all;
  return first !== undefined && all.every((one) => JSON.stringify(one) === JSON.stringify(first)) ? first : null;
}

/** The same text for each device, or what each of them says. */
export async function told(stage: Stage, read: (db: DemoDb) => string | Promise<string>): Promise<string> {
  const all = await Promise.all(stage.devices.map(async ({ id, db }) => ({ id, text: await read(db) })));
  const texts = [...new Set(all.map(({ text }) => text))];
  if (texts.length === 1) return `on ${all.length === 2 ? 'both' : `all ${all.length}`}: ${texts[0]}`;
  return all.map(({ id, text }) => `${CAST[id].name}: ${text}`).join(' · ');
}

/** The open question about a field of the note. */
export function questionAbout(db: DemoDb, field: keyof Note): FieldConflict | undefined {
  return db.conflicts$.value.find(
    (conflict): conflict is FieldConflict =>
      conflict.kind === 'field' && conflict.rowId === NOTE && conflict.fields.includes(field),
  );
}
