/** Where a note is: being typed, on this device, or with the server as well. Never more than is true. */
import type { Connection } from '@skerry/sdk';

import { clock } from '../ui/relative-time.ts';

export interface SaveState {
  readonly isDirty: boolean;
  /** When it was last saved here, if the server has not confirmed it yet. */
  readonly waitingSince: Date | undefined;
  readonly connection: Connection;
}

export function saveSentence(state: SaveState): string {
  if (state.isDirty) return 'Typing, not saved yet';
  if (state.connection === 'local-only') return 'Saved on this device';
  if (state.waitingSince) return `Saved on this device ${clock(state.waitingSince)}, not synced yet`;
  return 'Synced';
}
