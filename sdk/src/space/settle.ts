/**
 * The end of a transaction over a space: what its records look like now, and the digest that follows. Once for each
 * record that was changed, however often, because this is most of what a change costs a server.
 */
import { digestOfContent, digestOfRecord, EMPTY_DIGEST, exchange, type Digest } from '../core/digest.ts';
import { contentOfRecord, hasNumbers, recordToJson } from '../core/record-json.ts';
import { lifeStatus } from '../core/record.ts';
import { canonicalJson, type Json } from '../lib/json.ts';
import { recordNameOf, type SpaceView } from './space.ts';

/** A record as it is kept. */
export interface SettledRecord {
  readonly c: string;
  readonly id: string;
  /** JSON text of its state, the same for the same state. */
  readonly text: string;
  readonly digest: Digest;
}

/** Brings the view's digest up to date and gives the records that have changed. Done again, it alters nothing. */
export function settle(view: SpaceView): readonly SettledRecord[] {
  let { digest } = view.meta;
  const settled: SettledRecord[] = [];
  for (const key of view.changed) {
    const { c, id } = recordNameOf(key);
    const record = view.records.get(key)!;
    const content = contentOfRecord(record);
    const text = hasNumbers(record) ? canonicalJson(recordToJson(record) as unknown as Json) : content;
    const after = lifeStatus(record) === 'dead' ? EMPTY_DIGEST : digestOfContent(c, id, content);
    const before = view.digests.get(key) ?? digestOfRecord(c, id, view.found.get(key));
    digest = exchange(digest, before, after);
    view.digests.set(key, after);
    settled.push({ c, id, text, digest: after });
  }
  view.meta = { ...view.meta, digest };
  return settled;
}
