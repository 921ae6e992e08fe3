/**
 * Kinds of log entries that a later version adds: they carry a `kind` and whatever else. A device does not know what they do
 * to its state, so it takes a page up to the first of them, and stops there as it does before a write that it cannot apply.
 */
import type { Page } from './messages.ts';

/** A page whose end was left out: the entry that would come next is of this kind. */
export interface CutPage extends Page {
  readonly laterKind: string;
}

export function isCut(page: Page): page is CutPage {
  return 'laterKind' in page;
}

/** `value` is what was parsed, before it is checked; what is no page is left as it is. */
export function cutBeforeLater(value: unknown): unknown {
  if (!isObject(value) || value['type'] !== 'page' || !Array.isArray(value['entries'])) return value;
  // Said by nobody but this function.
  const { laterKind: _foreign, ...page } = value;
  const entries = value['entries'] as readonly unknown[];
  const cut = entries.findIndex((entry) => kindOf(entry) !== null);
  return cut === -1 ? page : { ...page, entries: entries.slice(0, cut), laterKind: kindOf(entries[cut]) };
}

function kindOf(entry: unknown): string | null {
  if (!isObject(entry) || !Object.hasOwn(entry, 'kind')) return null;
  const { kind } = entry;
  return typeof kind === 'string' && kind.length > 0 && kind.length <= MOST_KIND ? kind : null;
}

/** It is shown to a person. */
const MOST_KIND = 64;

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
