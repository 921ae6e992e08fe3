/**
 * What really happened, kept beside the protocol: who wrote what, knowing what. The protocol never reads it.
 */
import { countOf, type Change, type Dot, type Op } from '@skerry/sdk/kernel';
import { recordKey, type TestDevice, type TestServer } from '@skerry/sdk/testing';

const ALL = { changes: 1_000_000, bytes: Infinity };

export interface Witnessed {
  readonly dot: Dot;
  readonly device: string;
  readonly change: Change;
  readonly past: Past;
  /** For records that were written from a form: what was known when the form was opened. */
  readonly forms: ReadonlyMap<string, Past>;
  /** It may be missing from the log: the disk it was on was put back to an earlier time. */
  isExcused: boolean;
}

/** What a writer knew. */
export interface Past {
  /** Entries of the log that it had applied. */
  readonly logPrefix: number;
  /** Its own changes that it had not seen in the log yet. */
  readonly unconfirmed: ReadonlySet<Dot>;
}

export class Violation extends Error {}

export class Truth {
  readonly changes = new Map<Dot, Witnessed>();
  readonly #server: TestServer;

  constructor(server: TestServer) {
    this.#server = server;
  }

  /** Called right after a write, with the dots that it made. */
  witness(device: TestDevice, dots: readonly Dot[], forms: ReadonlyMap<string, Past>): void {
    const items = device.store.readOutbox(null, ALL).map((item) => item.change);
    for (const dot of dots) {
      if (this.changes.has(dot)) throw new Violation(`the dot ${dot} was used twice`);
      const at = items.findIndex((change) => change.dot === dot);
      this.changes.set(dot, {
        dot,
        device: device.name,
        change: items[at]!,
        past: this.#pastOf(device, items.slice(0, at)),
        forms,
        isExcused: false,
      });
    }
  }

  /** What a device knows now. */
  pastOf(device: TestDevice): Past {
    return this.#pastOf(
      device,
      device.store.readOutbox(null, ALL).map((item) => item.change),
    );
  }

  #pastOf(device: TestDevice, outbox: readonly Change[]): Past {
    const logPrefix = countOf(device.store.disk.replica.cursor, this.#server.sid);
    return { logPrefix, unconfirmed: new Set(outbox.map((change) => change.dot)) };
  }

  /** The disk is put back: what is in its outbox now and not in the earlier one may be gone. */
  excuse(lost: Iterable<Dot>): void {
    for (const dot of lost) this.changes.get(dot)!.isExcused = true;
  }

  /** Whether the writer of `b` had seen `a` when it wrote this record. */
  happenedBefore(a: Witnessed, b: Witnessed, record: string): boolean {
    const past = b.forms.get(record) ?? b.past;
    return past.unconfirmed.has(a.dot) || this.#server.positionOf(a.dot) <= past.logPrefix;
  }

  /** The clock under which the log has a change: its writer may have corrected it after the write. */
  stampOf(dot: Dot): number {
    return this.#server.log[this.#server.positionOf(dot) - 1]!.change.hlc;
  }

  /** Every change is in the log once, unless its disk was lost, and after everything that its writer knew. */
  checkLog(): void {
    for (const witnessed of this.changes.values()) {
      const position = this.#server.positionOf(witnessed.dot);
      if (position === Infinity) {
        if (!witnessed.isExcused) throw new Violation(`the write ${witnessed.dot} of ${witnessed.device} is lost`);
        continue;
      }
      if (position <= witnessed.past.logPrefix)
        throw new Violation(`${witnessed.dot} is in the log before what it knew`);
      for (const dot of witnessed.past.unconfirmed) {
        if (this.#server.positionOf(dot) > position)
          throw new Violation(`${dot} is not before ${witnessed.dot} in the log`);
      }
    }
    if (new Set(this.#server.log.map(({ change }) => change.dot)).size !== this.#server.log.length) {
      throw new Violation('a change is in the log twice');
    }
  }

  /** Everything that was written to a record and is in the log. */
  byRecord(): Map<string, Witnessed[]> {
    const records = new Map<string, Witnessed[]>();
    for (const witnessed of this.changes.values()) {
      if (!this.#server.has(witnessed.dot)) continue;
      for (const rec of witnessed.change.recs) {
        const key = recordKey(rec.c, rec.id);
        records.set(key, [...(records.get(key) ?? []), witnessed]);
      }
    }
    return records;
  }

  /** Those that no other one of the same kind comes after. */
  maximal(record: string, written: readonly Witnessed[], replacing: readonly Witnessed[] = written): Dot[] {
    return written
      .filter((one) => !replacing.some((other) => other !== one && this.happenedBefore(one, other, record)))
      .map((one) => one.dot);
  }
}

export function opsOn(witnessed: Witnessed, record: string): readonly Op[] {
  return witnessed.change.recs.find((rec) => recordKey(rec.c, rec.id) === record)?.ops ?? [];
}
