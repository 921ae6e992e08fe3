/**
 * What really happened, kept beside the protocol: who wrote what, knowing what. The protocol never reads it.
 */
import { countOf, type Change, type Dot, type Op } from '@skerry/sdk/kernel';
import type { TestDevice, TestServer } from '@skerry/sdk/testing';

export interface Witnessed {
  readonly dot: Dot;
  readonly device: string;
  readonly change: Change;
  /** Entries of the log that the writer had applied. */
  readonly logPrefix: number;
  /** Its own changes that it had not seen in the log yet. */
  readonly unconfirmed: ReadonlySet<Dot>;
  /** It may be missing from the log: the disk it was on was put back to an earlier time. */
  isExcused: boolean;
}

export class Violation extends Error {}

export class Truth {
  readonly changes = new Map<Dot, Witnessed>();
  readonly #server: TestServer;

  constructor(server: TestServer) {
    this.#server = server;
  }

  /** Called right after a write, with the dots that it made. */
  witness(device: TestDevice, dots: readonly Dot[]): void {
    const { disk } = device.store;
    const items = device.store.readOutbox(null, { changes: 1_000_000, bytes: Infinity }).map((item) => item.change);
    for (const dot of dots) {
      if (this.changes.has(dot)) throw new Violation(`the dot ${dot} was used twice`);
      const at = items.findIndex((change) => change.dot === dot);
      const unconfirmed = new Set(items.slice(0, at).map((change) => change.dot));
      const logPrefix = countOf(disk.replica.cursor, this.#server.sid);
      this.changes.set(dot, { dot, device: device.name, change: items[at]!, logPrefix, unconfirmed, isExcused: false });
    }
  }

  /** The disk is put back: what is in its outbox now and not in the earlier one may be gone. */
  excuse(lost: Iterable<Dot>): void {
    for (const dot of lost) this.changes.get(dot)!.isExcused = true;
  }

  happenedBefore(a: Witnessed, b: Witnessed): boolean {
    return b.unconfirmed.has(a.dot) || this.#server.positionOf(a.dot) <= b.logPrefix;
  }

  /** Every change is in the log once, unless its disk was lost, and after everything that its writer knew. */
  checkLog(): void {
    for (const witnessed of this.changes.values()) {
      const position = this.#server.positionOf(witnessed.dot);
      if (position === Infinity) {
        if (!witnessed.isExcused) throw new Violation(`the write ${witnessed.dot} of ${witnessed.device} is lost`);
        continue;
      }
      if (position <= witnessed.logPrefix) throw new Violation(`${witnessed.dot} is in the log before what it knew`);
      for (const dot of witnessed.unconfirmed) {
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
        const key = `${rec.c}/${rec.id}`;
        records.set(key, [...(records.get(key) ?? []), witnessed]);
      }
    }
    return records;
  }

  /** Those that no other one of the same kind comes after. */
  maximal(written: readonly Witnessed[], replacing: readonly Witnessed[] = written): Dot[] {
    return written
      .filter((one) => !replacing.some((other) => other !== one && this.happenedBefore(one, other)))
      .map((one) => one.dot);
  }
}

export function opsOn(witnessed: Witnessed, record: string): readonly Op[] {
  return witnessed.change.recs.find((rec) => `${rec.c}/${rec.id}` === record)?.ops ?? [];
}
