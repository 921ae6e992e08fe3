/**
 * How a waiting tab notices that the syncing one is frozen: it asks, and counts how often in a row nobody answers.
 *
 * Questions and answers are messages, which browsers do not hold back in hidden tabs as they do timers, so a throttled
 * leader is not taken for a frozen one. What is counted are beats of one's own, not time: who was frozen itself, or
 * slept with the whole machine, has counted one.
 */
import type { Clock } from './clock.ts';

/** A tab asks so often when it has heard nothing. */
export const BEAT_MS = 2_000;
/** So many beats in a row without an answer: with the one that is under way 8 s at most. */
export const SILENT_BEATS = 3;

export interface Silence {
  /** Whoever leads gave a sign of life. */
  heard(): void;
  stop(): void;
}

export interface SilenceOptions {
  readonly clock: Clock;
  /** Asks whoever leads to say so. */
  challenge(): void;
  /** Nobody answered SILENT_BEATS times; told with every further beat. */
  onSilent(): void;
}

export function watchSilence({ clock, challenge, onSilent }: SilenceOptions): Silence {
  let beats = 0;
  let cancel = clock.after(BEAT_MS, beat);

  function beat(): void {
    cancel = clock.after(BEAT_MS, beat);
    beats += 1;
    // The first one may have begun just before the last sign of life.
    if (beats > 1) challenge();
    if (beats > SILENT_BEATS) onSilent();
  }

  return {
    heard: () => void (beats = 0),
    stop: () => cancel(),
  };
}
