/**
 * The cut network of this window: `sync.pause()`, and a note in sessionStorage so that a reload stays cut. The note is
 * per window; a new window of the same person starts connected.
 */
import type { DemoDb } from './schema.ts';

const STORAGE_KEY = 'skerry.network-cut';

export function isNetworkCut(): boolean {
  return sessionStorage.getItem(STORAGE_KEY) === 'yes';
}

/** Another window of this device may have switched the network back: then a reload of this one must not cut it again. */
export function forgetCut(): void {
  sessionStorage.removeItem(STORAGE_KEY);
}

export function cutNetwork(db: DemoDb, cut: boolean): void {
  if (cut) {
    sessionStorage.setItem(STORAGE_KEY, 'yes');
    db.sync.pause();
  } else {
    forgetCut();
    db.sync.resume();
  }
}
