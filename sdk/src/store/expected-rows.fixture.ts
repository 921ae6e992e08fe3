/**
 * Read your writes: what the app must find after its writes, kept beside the store as plain rows. A write that starts
 * from a row as it was seen earlier changes what differs from that, and merges with what was written since.
 */
import { expect } from 'vitest';

import type { Row } from '../core/view.ts';
import { canonicalJson, type Json } from '../lib/json.ts';
import { textOf } from './consistency.fixture.ts';

/** undefined takes the field away. */
export type Fields = Readonly<Record<string, Json | undefined>>;

interface ExpectedRow {
  readonly row: Row;
  /** null: every field. */
  readonly certain: ReadonlySet<string> | null;
}

const GROUP = ['room', 'start'];
/** Fields that show the latest write of this device, whatever it had seen. */
const REGISTERS = new Set(['title', 'pinned', 'rank', 'extra', 'seen', 'folded', ...GROUP]);
const FIELDS: ReadonlySet<string> = new Set([...REGISTERS, 'body', 'tags', 'likes', 'labels', 'span']);

export class ExpectedRows {
  readonly #rows: Map<string, ExpectedRow>;

  constructor(rows: readonly Row[]) {
    this.#rows = new Map(rows.map((row) => [row['id'] as string, { row, certain: null }]));
  }

  has(id: string): boolean {
    return this.#rows.has(id);
  }

  put(id: string, fields: Fields): void {
    this.#rows.set(id, { row: normalRow({ ...fields, id }), certain: null });
  }

  /** Whether there is a row to update. */
  update(id: string, fields: Fields): boolean {
    const expected = this.#rows.get(id);
    if (!expected) return false;
    const row = normalRow({ ...expected.row, ...fields });
    const certain = expected.certain && new Set([...expected.certain, ...Object.keys(fields)]);
    this.#rows.set(id, { row, certain });
    return true;
  }

  delete(id: string): void {
    this.#rows.delete(id);
  }

  clear(): void {
    this.#rows.clear();
  }

  /** A write of `fields` over the row as it was seen: of a row that is gone, it brings back what was kept of it. */
  putAsSeen(id: string, seen: Row, fields: Fields): void {
    const wanted = normalRow({ ...seen, ...fields });
    const changed = Object.keys(fields).filter((field) => textOf(wanted[field]) !== textOf(seen[field]));
    if (changed.length === 0) return;
    const written = new Set(changed.some((field) => GROUP.includes(field)) ? [...changed, ...GROUP] : changed);
    const now = this.#rows.get(id);
    const row: Record<string, Json | undefined> = { ...now?.row };
    for (const field of written) row[field] = wanted[field];
    if (now && written.has('likes')) row['likes'] = counted(now.row) + counted(wanted) - counted(seen);
    const kept = now ? (now.certain ?? FIELDS) : new Set<string>();
    const certain = [...FIELDS].filter((field) =>
      written.has(field) ? REGISTERS.has(field) || (field === 'likes' && kept.has(field)) : kept.has(field),
    );
    this.#rows.set(id, { row: normalRow(row), certain: new Set(certain) });
  }

  expectIn(rows: readonly Row[], rule: string): void {
    const found = new Map(rows.map((row) => [row['id'] as string, row]));
    expect([...found.keys()].toSorted(), `${rule} which rows are there`).toEqual([...this.#rows.keys()].toSorted());
    for (const [id, { row, certain }] of this.#rows) {
      const of = (all: Row): Fields =>
        certain ? Object.fromEntries([...certain].map((field) => [field, all[field]])) : all;
      expect(of(found.get(id)!), `${rule} row ${id}`).toEqual(of(row));
    }
  }
}

function counted(row: Row): number {
  return row['likes'] as number;
}

/** As the store gives it back: a set in its order, what is never absent, nothing undefined. */
function normalRow(fields: Fields): Row {
  const tags = new Map(((fields['tags'] ?? []) as readonly Json[]).map((tag) => [canonicalJson(tag), tag]));
  const sorted = [...tags].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, tag]) => tag);
  const all: Fields = { ...fields, likes: fields['likes'] ?? 0, tags: sorted, labels: fields['labels'] ?? {} };
  return Object.fromEntries(
    Object.entries(all).flatMap(([field, value]) => (value === undefined ? [] : [[field, value]])),
  );
}
