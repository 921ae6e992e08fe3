/**
 * A record as it must be, computed from the whole set of changes that it was made from and from nothing else: live are
 * exactly the writes that no later write replaced, and a counter is the sum of all increments.
 */
import { compareMarks, isUuidV7, rankOf, type Mark, type Op, type RecordState } from '@skerry/sdk/kernel';

import type { Truth, Written } from './truth.ts';
import { Violation } from './violation.ts';

export interface ExpectedLife {
  readonly deletes: readonly string[];
  readonly lives: readonly string[];
  readonly zombies: readonly string[];
  /** Changes that no delete had seen, deletes left out. */
  readonly unseen: readonly string[];
}

export function expectedLife(written: readonly Written[], truth: Truth): ExpectedLife {
  const lives = written.filter(({ ops }) => ops.some(isLife));
  const last = new Set(truth.maximal(lives));
  const dots = (v: string): string[] =>
    lives
      .filter(({ by, ops }) => last.has(by.dot) && ops.some((op) => isLife(op) && op.v === v))
      .map(({ by }) => by.dot);
  const deletes = dots('dead');
  const unseen = truth.maximal(edits(written)).filter((dot) => !deletes.includes(dot));
  return { deletes, lives: dots('live'), zombies: dots('zombie'), unseen };
}

/** Deleted, and nobody has edited it without having seen that. */
export function isDead({ deletes, lives, zombies, unseen }: ExpectedLife): boolean {
  return deletes.length > 0 && lives.length === 0 && zombies.length === 0 && unseen.length === 0;
}

/** What a delete can have missed: all but the changes that only write hot registers. */
function edits(written: readonly Written[]): readonly Written[] {
  return written.filter(({ ops }) => ops.some((op) => op.t !== 'lww'));
}

/** `state`: what a replica has, which may be nothing when the record was deleted long ago. */
export function checkState(
  where: string,
  record: string,
  written: readonly Written[],
  state: RecordState | undefined,
  truth: Truth,
): void {
  const expect = (what: string, entries: readonly { readonly dot: string }[], wanted: readonly string[]): void =>
    expectDots(`${where} ${show(record)} ${what}`, entries, wanted);
  if (!state) {
    if (written.length === 0) return;
    const [, id] = record.split('\u0000') as [string, string];
    if (isUuidV7(id) && isDead(expectedLife(written, truth))) return;
    throw new Violation('I1', `${where} does not have ${show(record)}`);
  }
  expect('frontier', state.rv, truth.maximal(edits(written)));
  const lives = written.filter(({ ops }) => ops.some(isLife));
  expect('life', state.life, truth.maximal(lives));
  const paths = new Set(written.flatMap(({ ops }) => ops.flatMap((op) => (isOfCell(op) ? [op.p] : []))));
  for (const path of state.cells.keys()) paths.add(path);
  for (const path of paths) {
    const touching = written.filter(({ ops }) => ops.some((op) => isOfCell(op) && op.p === path));
    const putting = touching.filter(({ ops }) => ops.some((op) => (op.t === 'set' || op.t === 'add') && op.p === path));
    expect(path, state.cells.get(path) ?? [], truth.maximal(putting, touching));
  }
  const sums = new Map<string, number>();
  for (const { ops } of written) for (const op of ops) if (op.t === 'inc') sums.set(op.p, (sums.get(op.p) ?? 0) + op.n);
  for (const [path, sum] of sums) {
    const counted = state.counters.get(path) ?? 0;
    if (counted !== sum) throw new Violation('I6', `${where} ${show(record)} ${path} is ${counted}, the sum is ${sum}`);
  }
}

/** A hot register holds the write with the greatest rank. Where every replica has all stamps. */
export function checkHot(
  where: string,
  record: string,
  written: readonly Written[],
  state: RecordState | undefined,
): void {
  if (!state) return;
  const latest = new Map<string, Mark>();
  for (const { by, hlc, ops } of written) {
    for (const op of ops) {
      if (op.t !== 'lww') continue;
      const before = latest.get(op.p);
      const mark = {
        dot: by.dot,
        hlc: rankOf({ dot: by.dot, hlc, ...(op.over === undefined ? {} : { over: op.over }) }),
      };
      if (!before || compareMarks(mark, before) > 0) latest.set(op.p, mark);
    }
  }
  for (const [path, { dot }] of latest) {
    const found = state.hot?.get(path)?.dot;
    if (found !== dot)
      throw new Violation('I7', `${where} ${show(record)} ${path} is of ${found}, the latest is ${dot}`);
  }
}

export function show(record: string): string {
  return record.replace('\u0000', '/');
}

function isLife(op: Op): op is Op & { t: 'life' } {
  return op.t === 'life';
}

function isOfCell(op: Op): op is Op & { p: string } {
  return op.t === 'set' || op.t === 'add' || op.t === 'rm';
}

function expectDots(what: string, entries: readonly { readonly dot: string }[], expected: readonly string[]): void {
  const found = entries
    .map((entry) => entry.dot)
    .sort()
    .join(' ');
  const wanted = expected.toSorted().join(' ');
  if (found !== wanted) throw new Violation('I7', `${what}: live are [${found}], should be [${wanted}]`);
}
