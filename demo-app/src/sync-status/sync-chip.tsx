/** Where this device stands with the server, always in view; opens the panel that says more. */
import { useSyncStatus, useValue } from '@skerry/sdk/react';
import {
  Ban,
  CircleCheck,
  CircleEllipsis,
  CircleX,
  CloudOff,
  GitFork,
  HardDrive,
  KeyRound,
  RefreshCw,
  RotateCw,
  TriangleAlert,
  Unplug,
} from 'lucide-react';
import { useState, type ComponentType, type ReactNode } from 'react';

import { useOverview } from '../data/overview.tsx';
import { useSession } from '../data/session.tsx';
import { useNow } from '../ui/use-now.ts';
import { chipSentence, spokenStatus, type ChipIcon } from './status-sentence.ts';
import { storageTrouble } from './storage-words.ts';
import { SyncPanel } from './sync-panel.tsx';

const ICONS: Readonly<Record<ChipIcon, ComponentType<{ 'aria-hidden': true }>>> = {
  synced: CircleCheck,
  syncing: RefreshCw,
  connecting: CircleEllipsis,
  offline: CloudOff,
  cut: Unplug,
  decide: GitFork,
  'sign-in': KeyRound,
  upgrade: RotateCw,
  stuck: CircleX,
  local: HardDrive,
  refused: Ban,
  'at-risk': TriangleAlert,
  unsaved: CircleX,
};

const PANEL_ID = 'sync-panel';

export function SyncChip(): ReactNode {
  const { db } = useSession();
  const { toDecide, conflicts } = useOverview();
  const status = useSyncStatus(db);
  const storage = useValue(db.storage$);
  const now = useNow(60_000);
  const [isOpen, setOpen] = useState(false);
  const sentence = chipSentence(status, {
    toDecide,
    notAccepted: conflicts.filter(({ kind }) => kind === 'rejected').length,
    storage: storageTrouble(storage, status, now),
  });
  const [spoken, setSpoken] = useState('');
  const toSay = spokenStatus(sentence);
  if (toSay !== null && toSay !== spoken) setSpoken(toSay);
  const Icon = ICONS[sentence.icon];
  return (
    <>
      {/* It only opens: a second press on the way to the switch must not take the panel away. */}
      <button
        type="button"
        className="sync-chip"
        data-testid="sync-chip"
        data-tone={sentence.tone}
        data-icon={sentence.icon}
        popoverTarget={PANEL_ID}
        popoverTargetAction="show"
        aria-haspopup="dialog"
      >
        <Icon aria-hidden />
        <span className="sync-chip-text">{withCount(sentence.text, status.pending.changes)}</span>
      </button>
      <div className="visually-hidden" role="status">
        {spoken}
      </div>
      <div
        id={PANEL_ID}
        popover="auto"
        role="dialog"
        aria-label="Sync"
        className="panel sync-panel"
        onToggle={(event) => setOpen(event.newState === 'open')}
      >
        <SyncPanel isOpen={isOpen} panelId={PANEL_ID} />
      </div>
    </>
  );
}

/** The number of waiting changes is an element of its own, also when the sentence does not say it. */
function withCount(text: string, changes: number): ReactNode {
  const number = String(changes);
  const at = changes > 0 ? text.indexOf(number) : -1;
  if (at === -1) {
    return (
      <>
        {text}
        <span data-testid="pending-count" hidden>
          {number}
        </span>
      </>
    );
  }
  return (
    <>
      {text.slice(0, at)}
      <span data-testid="pending-count">{number}</span>
      {text.slice(at + number.length)}
    </>
  );
}
