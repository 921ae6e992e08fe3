/**
 * Bytes on the wire of a one-field change of a note, beyond the value itself and before any compression, beside the same frame
 * as plain JSON. Every note was made by one writer and edited by others before.
 */
import {
  dotOf,
  encodeMessage,
  incOf,
  seqOf,
  utf8Length,
  type Change,
  type LogEntry,
  type Op,
  type Page,
  type Push,
} from '@skerry/sdk/kernel';

import { printLine } from '../measure.ts';
import { BODY, makeHistory } from './history.ts';

const CHANGES = 500;
const SID = 'SSSSSSSSSSS';

export function benchWire(): void {
  const later = BODY.replace('dull', 'merry');
  print('lww', { t: 'set', p: 'color', v: 'red', pred: [] });
  print('lww, 400 bytes', { t: 'set', p: 'body', v: later, pred: [] });
  print('ask', { t: 'set', p: 'title', v: 'Plans for May', pred: [], base: { hlc: 0, v: 'Plans for March' } });
  print('text, 400 bytes', { t: 'set', p: 'body', v: later, pred: [], base: { hlc: 0, v: BODY } });
}

function print(name: string, op: Extract<Op, { t: 'set' }>): void {
  const { inserts } = makeHistory(CHANGES, 0);
  const changes = inserts.map((insert, i) => edit(insert, inserts[(i + 1) % CHANGES]!, op));
  const entries = changes.map((change, i): LogEntry => ({ stamp: [SID, 40_000 + i], dot: change.dot, change }));
  const vector = { [SID]: 40_000 + CHANGES };
  const page: Page = { type: 'page', entries, cursor: vector, head: vector };
  const push: Push = { type: 'push', changes: changes.map((change) => ({ ...change, deps: vector })) };
  const value = utf8Length(JSON.stringify(op.v));
  const beyond = (text: string): string => (utf8Length(text) / CHANGES - value).toFixed(0).padStart(3);
  printLine(
    `bytes of one change beyond its value, ${name}`,
    `page ${beyond(encodeMessage(page))}, push ${beyond(encodeMessage(push))} (goal 120)`,
    `plain JSON ${beyond(JSON.stringify(page))}, ${beyond(JSON.stringify(push))}`,
  );
}

/** Sees another change of the note than the one that wrote the field. */
function edit({ dot, hlc, recs: [made] }: Change, other: Change, op: Extract<Op, { t: 'set' }>): Change {
  const own = dotOf(incOf(other.dot), seqOf(other.dot) + 20_000);
  const written = { ...op, pred: [dot], ...(op.base ? { base: { ...op.base, hlc } } : {}) };
  const rec = { c: 'notes', id: made!.id, rv: [dotOf(incOf(dot), seqOf(dot) + 10_000)], ops: [written] };
  return { dot: own, hlc: hlc + 1, recs: [rec] };
}
