/** Leading by a lease in the database, where the browser has no Web Locks. */
import type { Lease, LeaseState } from '../store/lease.ts';
import type { Leadership, LeadershipOptions } from './leader.ts';
import { BEAT_MS, SILENT_BEATS } from './silence.ts';

export function leadByLease(options: LeadershipOptions, lease: Lease): Leadership {
  const { clock } = options;
  let isLeading = false;
  let isOver = false;
  let said = '';
  let silentBeats = 0;
  let cancel = (): void => undefined;

  async function beat(): Promise<void> {
    if (!isLeading && silentBeats > 1) options.challenge?.();
    const seen = await lease.renew(!isLeading && silentBeats >= SILENT_BEATS).catch(unreadable);
    if (isOver) return;
    cancel = clock.after(BEAT_MS, () => void beat());
    silentBeats = seen.says === said ? silentBeats + 1 : 0;
    said = seen.says;
    if (seen.isMine && !isLeading) begin();
    else if (!seen.isMine && isLeading) end();
  }

  function begin(): void {
    isLeading = true;
    options.onLead();
  }

  function end(): void {
    isLeading = false;
    options.onLost();
  }

  void beat();
  return {
    heard: () => void (silentBeats = 0),
    // The next beat finds whose it is.
    stepBack: () => void (isLeading && end()),
    resign() {
      isOver = true;
      cancel();
      if (isLeading) void lease.release().catch(() => undefined);
    },
  };
}

/** Who cannot read the lease syncs, and tells by its own attempts that the storage fails; the epoch keeps it harmless. */
function unreadable(): LeaseState {
  return { isMine: true, says: '' };
}
