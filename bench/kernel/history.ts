/**
 * The input of the kernel's benchmarks, the same in every run: notes that are made and then edited one field at a time by
 * twenty writers, one edit in fifty without having seen the one before it.
 */
import {
  compileCollection,
  dotOf,
  hlcAt,
  incOf,
  newIncarnation,
  seededRandom,
  seqOf,
  uuidV7,
  type Change,
  type CollectionSchema,
  type Dot,
  type RecordChange,
} from '@skerry/sdk/kernel';

export const NOTES: CollectionSchema = compileCollection({
  name: 'notes',
  fields: { title: { kind: 'ask' }, body: { kind: 'text' }, pinned: { kind: 'lww' }, color: { kind: 'lww' } },
  groups: [],
  onDeleteVsEdit: 'ask',
});

const START_MS = 1_795_171_400_489;
const WRITERS = 20;
const FIELDS = ['title', 'pinned', 'color'] as const;
export type Field = (typeof FIELDS)[number];
/** Of so many edits one has not seen the edit before it. */
const UNSEEN = 50;

export interface History {
  /** One change for each note. */
  readonly inserts: readonly Change[];
  /** One-field changes, in causal order. */
  readonly edits: readonly Change[];
  /** Dots of the live entries of each field of each note, told while the history was made and not by applying it. */
  readonly live: ReadonlyMap<string, ReadonlySet<Dot>>;
}

export function makeHistory(notes: number, edits: number): History {
  const random = seededRandom(1);
  const incs = Array.from({ length: WRITERS }, () => newIncarnation(START_MS, random));
  const ids = Array.from({ length: notes }, () => uuidV7(START_MS, random));
  const seqs = new Map<string, number>();
  const live = new Map<string, Set<Dot>>();
  const frontiers = new Map<string, Set<Dot>>();
  let hlc = hlcAt(START_MS);
  const next = (recs: (dot: Dot) => readonly RecordChange[]): Change => {
    const inc = incs[Math.floor(random.fraction() * WRITERS)]!;
    const seq = (seqs.get(inc) ?? 0) + 1;
    seqs.set(inc, seq);
    hlc += 3_000_017;
    const dot = dotOf(inc, seq);
    return { dot, hlc, recs: recs(dot) };
  };
  const insert = (id: string): Change =>
    next((dot) => {
      for (const field of FIELDS) live.set(`${id} ${field}`, new Set([dot]));
      frontiers.set(id, new Set([dot]));
      return [noteMade(id)];
    });
  const edit = (): Change =>
    next((dot) => {
      const id = ids[Math.floor(random.fraction() * notes)]!;
      const field = FIELDS[Math.floor(random.fraction() * FIELDS.length)]!;
      const hasSeen = random.fraction() >= 1 / UNSEEN;
      const [entries, frontier] = [live.get(`${id} ${field}`)!, frontiers.get(id)!];
      const seen = (dots: Set<Dot>): Dot[] => (hasSeen ? [...dots] : [...dots].slice(0, -1));
      const [pred, rv] = [seen(entries), seen(frontier)];
      for (const dots of [entries, frontier]) dots.add(dot);
      for (const before of pred) entries.delete(before);
      for (const before of rv) frontier.delete(before);
      return [{ c: 'notes', id, rv, ops: [{ t: 'set', p: field, v: `${field} ${dot.slice(-6)}`, pred }] }];
    });
  const inserts = ids.map(insert);
  return { inserts, edits: Array.from({ length: edits }, edit), live };
}

/** A note as an app makes it: a life, a title, 400 bytes of text, two small fields. */
export function noteMade(id: string): RecordChange {
  return {
    c: 'notes',
    id,
    rv: [],
    ops: [
      { t: 'life', v: 'live', pred: [] },
      { t: 'set', p: 'title', v: 'All work and no play', pred: [] },
      { t: 'set', p: 'body', v: BODY, pred: [] },
      { t: 'set', p: 'pinned', v: false, pred: [] },
      { t: 'set', p: 'color', v: 'yellow', pred: [] },
    ],
  };
}

/** One change each of the text of a note: the whole text, and as its base the text before. */
export function bodyEdits(edits: number): readonly Change[] {
  const { inserts } = makeHistory(edits, 0);
  return inserts.map(({ dot, hlc, recs: [made] }) => ({
    dot: dotOf(incOf(dot), seqOf(dot) + 1_000),
    hlc: hlc + 1,
    recs: [
      {
        c: 'notes',
        id: made!.id,
        rv: [dot],
        ops: [{ t: 'set', p: 'body', v: BODY.replace('dull', 'merry'), pred: [dot], base: { hlc, v: BODY } }],
      },
    ],
  }));
}

/** 400 bytes. */
export const BODY = 'All work and no play makes a dull note. '.repeat(10);

/** As it comes from the wire: objects of its own, and no string shared with anything. */
export function fresh<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}
