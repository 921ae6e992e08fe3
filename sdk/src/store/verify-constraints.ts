/** The index of constraints against one that is computed anew from the records, in memory. */
import type { IDBPDatabase, IDBPTransaction } from 'idb';

import { memberKey, type Component } from '../constraints/ask.ts';
import { WAIVERS, type Claim } from '../constraints/claim.ts';
import { ClaimIndex } from '../constraints/claim-index.ts';
import { maintainConstraints } from '../constraints/maintain.ts';
import type { OpenConstraintConflict } from '../core/constraint.ts';
import { canonicalJson } from '../lib/json.ts';
import { changedRecords } from './changed-records.ts';
import { CLAIMS, COMPONENTS, CONFLICTS, META, RECORDS, type ConflictRow, type ReplicaRow } from './layout.ts';
import { readableRow, type StoredRecordRow } from './packed-record.ts';
import type { Pauses } from './pauses.ts';
import { textOf, TRIES, type DifferenceKind, type Findings, type Verified } from './verify-report.ts';

/** Records that go into the index at once. */
const SLICE = 50;

/** false: rows were written again and again meanwhile. */
export async function verifyConstraints(
  db: IDBPDatabase,
  about: Verified,
  findings: Findings,
  pauses: Pauses,
): Promise<boolean> {
  if (about.constraints.all.length === 0) return true;
  for (let tries = 0; tries < TRIES; tries++) {
    const before = await writePlace(db);
    const index = await indexFromRecords(db, about, pauses);
    const tx = db.transaction([META, CLAIMS, COMPONENTS, CONFLICTS]);
    if (before !== (await placeIn(tx.objectStore(META)))) continue;
    const [claims, components, conflicts] = (await Promise.all([
      tx.objectStore(CLAIMS).getAll(),
      tx.objectStore(COMPONENTS).getAll(),
      tx.objectStore(CONFLICTS).getAll(),
    ])) as [Claim[], Component[], ConflictRow[]];
    findings.checked.claims = claims.length;
    compare(findings, 'claim', byKey(claims, claimKey), index.claims, claimPlace(about));
    compare(findings, 'component', byKey(components, idOf), index.components, rowPlace);
    const open = conflicts.filter((one): one is OpenConstraintConflict => one.kind === 'constraint');
    compare(findings, 'conflict', byKey(open, idOf), index.conflicts, rowPlace);
    return true;
  }
  return false;
}

async function indexFromRecords(
  db: IDBPDatabase,
  { schemas, constraints }: Verified,
  pauses: Pauses,
): Promise<ClaimIndex> {
  const index = new ClaimIndex();
  for (const collection of [...schemas.keys(), WAIVERS].filter(constraints.concerns)) {
    let range = IDBKeyRange.bound([collection], [collection, []]);
    for (;;) {
      const rows = (await db.getAll(RECORDS, range, SLICE)) as StoredRecordRow[];
      const changed = changedRecords(constraints, schemas, rows.map(readableRow));
      for (const record of changed) {
        index.run(maintainConstraints(constraints, [record]));
        await pauses.breathe();
      }
      const last = rows.at(-1);
      if (!last || rows.length < SLICE) break;
      range = IDBKeyRange.bound([collection, last.id], [collection, []], true);
    }
  }
  return index;
}

/** Every write moves it. */
async function writePlace(db: IDBPDatabase): Promise<string> {
  return placeIn(db.transaction(META).store);
}

async function placeIn(
  meta: Pick<ReturnType<IDBPTransaction<unknown, [string]>['objectStore']>, 'get'>,
): Promise<string> {
  const { hlc, order, cursor, outbox } = (await meta.get('replica')) as ReplicaRow;
  return canonicalJson([hlc, order, { ...cursor }, { ...outbox }]);
}

interface Place {
  readonly collection: string;
  readonly rowId: string;
}

function compare<T>(
  findings: Findings,
  what: 'claim' | 'component' | 'conflict',
  stored: ReadonlyMap<string, T>,
  wanted: ReadonlyMap<string, T>,
  placeOf: (one: T) => Place,
): void {
  const tell = (how: 'missing' | 'differs' | 'unexpected', one: T): void =>
    findings.add(`${what}-${how}` satisfies DifferenceKind, 'by the constraints', placeOf(one));
  for (const [key, one] of wanted) {
    const found = stored.get(key);
    if (found === undefined) tell('missing', one);
    else if (textOf(found) !== textOf(one)) tell('differs', one);
  }
  for (const [key, one] of stored) if (!wanted.has(key)) tell('unexpected', one);
}

function byKey<T>(all: readonly T[], keyOf: (one: T) => string): ReadonlyMap<string, T> {
  return new Map(all.map((one) => [keyOf(one), one]));
}

function claimKey({ name, id }: Claim): string {
  return memberKey(name, id);
}

function idOf({ id }: { readonly id: string }): string {
  return id;
}

function claimPlace({ constraints }: Verified): (claim: Claim) => Place {
  const collections = new Map(constraints.all.map(({ name, collection }) => [name, collection]));
  return ({ name, id }) => ({ collection: collections.get(name) ?? name, rowId: id });
}

function rowPlace({ collection, rowIds }: Component | OpenConstraintConflict): Place {
  return { collection, rowId: rowIds.join(' ') };
}
