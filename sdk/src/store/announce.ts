/**
 * Tells Dexie's live queries in this context that rows changed behind Dexie's back (the worker writes with `idb`).
 */
import { Dexie, RangeSet, type ObservabilitySet } from 'dexie';

import { INTERNAL_STORES } from './layout.ts';

/** The event by which Dexie tells other instances of itself in one context: it reaches live queries, and stays here. */
const MUTATED_EVENT = 'x-storagemutated-1';

/** What is read next may be anything. */
export function announceEverything(): void {
  tell({ all: everything() });
}

export function announceRemoteChanges(dexie: Dexie, touched: Readonly<Record<string, readonly string[]>>): void {
  const parts: ObservabilitySet = {};
  for (const [collection, ids] of Object.entries(touched)) {
    if (!dexie.tables.some((table) => table.name === collection)) continue;
    const keys = new RangeSet().addKeys([...ids]);
    parts[`idb://${dexie.name}/${collection}/`] = keys;
    parts[`idb://${dexie.name}/${collection}/:dels`] = keys;
    for (const index of dexie.table(collection).schema.indexes)
      parts[`idb://${dexie.name}/${collection}/${index.name}`] = everything();
  }
  for (const store of INTERNAL_STORES) {
    parts[`idb://${dexie.name}/${store}/`] = everything();
    parts[`idb://${dexie.name}/${store}/:dels`] = everything();
  }
  tell(parts);
}

function tell(parts: ObservabilitySet): void {
  if (typeof dispatchEvent === 'function' && typeof CustomEvent === 'function') {
    dispatchEvent(new CustomEvent(MUTATED_EVENT, { detail: parts }));
  } else {
    Dexie.on.storagemutated.fire(parts);
  }
}

function everything(): RangeSet {
  return new RangeSet(Dexie.minKey, Dexie.maxKey as never);
}
