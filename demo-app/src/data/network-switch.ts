/**
 * The cut network of this window: `sync.pause()`, and a note in sessionStorage so that a reload stays cut. The note is
 * per window and device, because frames of one window share it; a new window of the same person starts connected.
 */
import type { DemoDb } from './schema.ts';

export function isNetworkCut(databaseName: string): boolean {
  return sessionStorage.getItem(keyOf(databaseName)) === 'yes';
}

/** Another window of this device may have switched the network back: then a reload of this one must not cut it again. */
export function forgetCut(databaseName: string): void {
  sessionStorage.removeItem(keyOf(databaseName));
}

export function cutNetwork(db: DemoDb, databaseName: string, cut: boolean): void {
  if (cut) {
    sessionStorage.setItem(keyOf(databaseName), 'yes');
    db.sync.pause();
  } else {
    forgetCut(databaseName);
    db.sync.resume();
  }
}

function keyOf(databaseName: string): string {
  return `skerry.network-cut/${databaseName}`;
}
