/** The SQL of the storage, prepared once per connection, and what is asked with it. */
import { dotOf, incOf, seqOf, type Dot, type Inc, type StoredEntry } from '@skerry/sdk/kernel';
import type { Database, Statement } from 'better-sqlite3';

import type { KnownWriter, NewEntry, ReadLimit, SpaceFacts, SpaceQuestion } from '../port.ts';

export interface SpaceRow {
  readonly id: number;
  readonly head: number;
}

export interface EntryRow {
  readonly n: number;
  readonly inc: Inc;
  readonly seq: number;
  readonly change: string;
  readonly bytes: number;
}

export interface Statements {
  readonly space: Statement;
  readonly known: Statement;
  readonly hash: Statement;
  readonly entries: Statement;
  readonly addSpace: Statement;
  readonly setHead: Statement;
  readonly addEntry: Statement;
  readonly setWriter: Statement;
}

export function prepare(database: Database): Statements {
  return {
    space: database.prepare('SELECT id, head FROM spaces WHERE name = ?'),
    known: database.prepare('SELECT seq, owner FROM writers WHERE space = ? AND inc = ?'),
    hash: database.prepare('SELECT hash FROM log WHERE space = ? AND inc = ? AND seq = ?').pluck(),
    entries: database.prepare(
      'SELECT n, inc, seq, change, octet_length(change) AS bytes FROM log WHERE space = ? AND n > ? ORDER BY n LIMIT ?',
    ),
    addSpace: database.prepare('INSERT INTO spaces (name, head) VALUES (?, 0) RETURNING id, head'),
    setHead: database.prepare('UPDATE spaces SET head = ? WHERE id = ?'),
    addEntry: database.prepare('INSERT INTO log (space, n, inc, seq, hash, change) VALUES (?, ?, ?, ?, ?, ?)'),
    setWriter: database.prepare(
      'INSERT INTO writers (space, inc, seq, owner) VALUES (?, ?, ?, ?) ON CONFLICT (space, inc) DO UPDATE SET seq = excluded.seq',
    ),
  };
}

export function findSpace(statements: Statements, name: string): SpaceRow | undefined {
  return statements.space.get(name) as SpaceRow | undefined;
}

export function knownOf(statements: Statements, space: number, incs: readonly Inc[]): ReadonlyMap<Inc, KnownWriter> {
  const known = new Map<Inc, KnownWriter>();
  for (const inc of incs) {
    const writer = statements.known.get(space, inc) as KnownWriter | undefined;
    if (writer) known.set(inc, writer);
  }
  return known;
}

export function factsOf(statements: Statements, { space, incs, dots }: SpaceQuestion): SpaceFacts {
  const found = findSpace(statements, space);
  if (!found) return { head: 0, known: new Map(), hashes: new Map() };
  const hashes = new Map<Dot, string>();
  for (const dot of dots) {
    const hash = statements.hash.get(found.id, incOf(dot), seqOf(dot)) as string | undefined;
    if (hash !== undefined) hashes.set(dot, hash);
  }
  return { head: found.head, known: knownOf(statements, found.id, incs), hashes };
}

export function append(statements: Statements, entries: readonly NewEntry[]): void {
  const spaces = new Map<string, { id: number; head: number }>();
  for (const { space, n, dot, hash, change, owner } of entries) {
    const row = spaces.get(space) ?? {
      ...(findSpace(statements, space) ?? (statements.addSpace.get(space) as SpaceRow)),
    };
    if (n !== row.head + 1) throw new Error(`Broken invariant: entry ${n} does not follow ${row.head}`);
    statements.addEntry.run(row.id, n, incOf(dot), seqOf(dot), hash, change);
    statements.setWriter.run(row.id, incOf(dot), seqOf(dot), owner);
    row.head = n;
    spaces.set(space, row);
  }
  for (const { id, head } of spaces.values()) statements.setHead.run(head, id);
}

/** At least one entry if there is one, else within the limits. */
export function readEntries(
  statements: Statements,
  space: number,
  after: number,
  max: ReadLimit,
): readonly StoredEntry[] {
  const entries: StoredEntry[] = [];
  let bytes = 0;
  for (const row of statements.entries.iterate(space, after, max.entries) as IterableIterator<EntryRow>) {
    bytes += row.bytes;
    if (entries.length > 0 && bytes > max.bytes) break;
    entries.push({ n: row.n, dot: dotOf(row.inc, row.seq), change: row.change });
  }
  return entries;
}
