/**
 * One step of a local transaction: what the app wants of some records, decided on a draft. Pure, and the same in the
 * browser and in the simulation.
 */
import type { RecordChange } from '../core/change.ts';
import { writeRecord } from '../core/commit.ts';
import type { RecordState } from '../core/record.ts';
import type { CollectionSchema } from '../core/schema.ts';
import { afterTakenBack } from '../core/taken-back.ts';
import type { Row } from '../core/view.ts';
import { checkFields } from './check-row.ts';
import type { GivenRow } from './given-row.ts';
import type { StepRows, TransactionDraft, WrittenRecord } from './draft.ts';
import { writtenLocal, type LocalFields } from './local-fields.ts';
import { recordKey } from './record-key.ts';
import { goneSince, type SeenRecord } from './seen.ts';

/** What a record becomes: a row of the app, or a change made by other means (resolutions). */
export interface RecordIntent {
  readonly schema: CollectionSchema;
  readonly id: string;
  /** Throws what is wrong with the write, before anything of its step is written. */
  check?(shown: Row | undefined): void;
  /** Called with the record as this transaction shows it, and as the server's log gives it; null: nothing to write. */
  change(current: RecordState | undefined, confirmed: RecordState | undefined): RecordChange | null;
  /** What becomes of what the row has on this device only; without it, nothing. */
  local?(held: LocalFields | undefined): LocalFields | undefined;
  /** Not written when there is a row already. */
  readonly mustBeNew?: boolean;
  /** What the writer was shown, if that was earlier. */
  readonly seen?: SeenRecord | undefined;
}

/** `given`: the row as it should be, or what makes it of the shown one; null deletes it. `seen`: what the writer was shown, if that was earlier. */
export function rowIntent(
  schema: CollectionSchema,
  id: string,
  given: Row | GivenRow['fit'] | null,
  seen?: SeenRecord,
): RecordIntent {
  let next = typeof given === 'function' ? null : given;
  return {
    schema,
    id,
    check: (shown) => {
      if (typeof given === 'function') next = given(shown);
      if (next) checkFields(schema, next, shown);
    },
    // What was seen of a record that is not there was undone since: the row is written as a new one.
    change: (current, confirmed) => writeRecord({ schema, id, current: current && (seen ?? current), confirmed, next }),
    local: (held) => writtenLocal(schema, held, next, seen),
    seen,
  };
}

export interface IntendedRecord extends WrittenRecord {
  readonly schema: CollectionSchema;
  readonly id: string;
}

export interface StepOutcome {
  /** Places of the intents that were not written because there is a row already. */
  readonly taken: readonly number[];
  /** Every record that was written, once. */
  readonly written: readonly IntendedRecord[];
  /** null: nothing was written. */
  readonly rows: StepRows | null;
}

/** Throws what is wrong with the step; the draft is as it was. */
export function checkStep(draft: TransactionDraft, intents: readonly RecordIntent[]): void {
  for (const intent of intents) checkIntent(draft, intent);
}

export function checkIntent(draft: TransactionDraft, { schema, id, check }: RecordIntent): void {
  check?.(draft.shown(schema, id));
}

/** A step that is written intent by intent, so that a long one can be stored on the way. */
export interface StepWriter {
  /** Places of the intents so far that were not written because there is a row already. */
  readonly taken: readonly number[];
  /** The next intent. What it throws leaves a draft that must not be stored. */
  write(intent: RecordIntent): void;
  /** The records that were written since this was asked last, each once. */
  takeWritten(): readonly IntendedRecord[];
}

/** Every record of the intents is loaded. */
export function createStepWriter(draft: TransactionDraft): StepWriter {
  draft.beginStep();
  const taken: number[] = [];
  const written = new Map<string, IntendedRecord>();
  let next = 0;
  return {
    taken,
    write(intent) {
      const place = next;
      next += 1;
      const { schema, id } = intent;
      if (intent.mustBeNew && draft.shown(schema, id)) return void taken.push(place);
      const change = changeOf(draft, intent);
      const held = draft.local(schema.name, id);
      const local = intent.local ? intent.local(held) : held;
      written.set(recordKey(schema.name, id), { schema, id, ...draft.write(schema, id, change, local) });
    },
    takeWritten() {
      const records = [...written.values()];
      written.clear();
      return records;
    },
  };
}

/** All of it at once; as createStepWriter(). */
export function writeStep(draft: TransactionDraft, intents: readonly RecordIntent[]): StepOutcome {
  const writer = createStepWriter(draft);
  intents.forEach((intent) => writer.write(intent));
  const written = writer.takeWritten();
  return { taken: writer.taken, written, rows: written.length > 0 ? draft.finishStep() : null };
}

function changeOf(draft: TransactionDraft, { schema, id, seen, change }: RecordIntent): RecordChange | null {
  const current = draft.current(schema, id);
  const stored = draft.stored(schema.name, id);
  const asked = change(current, stored?.base);
  return asked && seen && current ? afterTakenBack(asked, goneSince(seen, current, stored)) : asked;
}
