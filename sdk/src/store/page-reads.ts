/**
 * What a page needs of the database, asked for at once: a transaction that asks one thing after the other waits for the
 * browser's storage process each time, and for a page of one change that is nearly all it does.
 */
import { incOf, type Inc } from '../core/dot.ts';
import type { ChangeEntry, Page } from '../protocol/messages.ts';
import {
  META,
  newSpace,
  OUTBOX,
  WRITERS,
  type OutboxRow,
  type RecordRow,
  type ReplicaRow,
  type SpaceRow,
  type ViewsRow,
  type WriterRow,
} from './layout.ts';
import { loadRecords } from './page-io.ts';
import { answerOf, plainStore, type AnyTransaction } from './requests.ts';

export interface PageReads {
  readonly replica: ReplicaRow;
  readonly space: SpaceRow;
  readonly views: ViewsRow | undefined;
  /** Those of the page's writers that are known. */
  readonly writers: ReadonlyMap<Inc, WriterRow>;
  readonly head: OutboxHead;
  /** What the page's changes touch, as far as the page has their content; by recordKey(). */
  readonly records: Map<string, RecordRow>;
}

/** The first rows of the outbox. Own changes come back in outbox order, so most are found here. */
export interface OutboxHead {
  readonly rows: readonly OutboxRow[];
  readonly isWhole: boolean;
}

/** Parts of a change, or what copies of this profile have pushed in between. */
const HEAD_MARGIN = 16;

export async function readForPage(tx: AnyTransaction, page: Page): Promise<PageReads> {
  const changes = page.entries.filter((entry): entry is ChangeEntry => 'dot' in entry && !('alias' in entry));
  const window = changes.length + HEAD_MARGIN;
  const meta = plainStore(tx, META);
  const [replica, space, views, writers, rows, records] = await Promise.all([
    answerOf<ReplicaRow>(meta.get('replica')),
    answerOf<SpaceRow | undefined>(meta.get('space')),
    answerOf<ViewsRow | undefined>(meta.get('views')),
    readWriters(tx, new Set(changes.map(({ dot }) => incOf(dot)))),
    answerOf<OutboxRow[]>(plainStore(tx, OUTBOX).getAll(undefined, window)),
    loadRecords(
      tx,
      changes.flatMap(({ change }) => change ?? []),
    ),
  ]);
  const head = { rows, isWhole: rows.length < window };
  return { replica, space: space ?? newSpace(), views, writers, head, records };
}

async function readWriters(tx: AnyTransaction, incs: ReadonlySet<Inc>): Promise<ReadonlyMap<Inc, WriterRow>> {
  const store = plainStore(tx, WRITERS);
  const rows = await Promise.all([...incs].map((inc) => answerOf<WriterRow | undefined>(store.get(inc))));
  return new Map(rows.flatMap((row) => (row ? [[row.inc, row] as const] : [])));
}
