/**
 * A frozen page answers nobody: an open connection of it would hold up every upgrade of the database. So it has none
 * while it is frozen, and afterwards it looks again at what others wrote meanwhile.
 */
import type { Dexie } from 'dexie';

import { announceEverything } from '../store/announce.ts';
import { onFreeze } from '../worker/page-events.ts';

/** Returns how to end that. */
export function restWhileFrozen(dexie: Dexie): () => void {
  // The next call opens it again; what is under way is finished.
  return onFreeze(() => dexie.close({ disableAutoOpen: false }), announceEverything);
}
