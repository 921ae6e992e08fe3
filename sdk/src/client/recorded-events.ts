/** events$ with a memory of the latest, for an export. It remembers without listening: some news is told to listeners only. */
import { Subject } from 'rxjs';

import type { SyncEvent } from './types.ts';

/** Of the latest, which an export has. */
export const RECENT_EVENTS = 200;

export class RecordedEvents extends Subject<SyncEvent> {
  readonly recent: SyncEvent[] = [];

  override next(event: SyncEvent): void {
    this.recent.push(event);
    if (this.recent.length > RECENT_EVENTS) this.recent.shift();
    super.next(event);
  }
}
