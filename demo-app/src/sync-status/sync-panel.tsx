/** What the chip has no room for: the connection in a sentence, when it last and next worked, what waits, and more. */
import { useSyncStatus } from '@skerry/sdk/react';
import { Ban, X } from 'lucide-react';
import { useEffect, useId, useState, type ReactNode } from 'react';

import { useOverview } from '../data/overview.tsx';
import { cutNetwork, forgetCut, isNetworkCut } from '../data/network-switch.ts';
import { useSession } from '../data/session.tsx';
import { useAttempt } from '../data/use-attempt.ts';
import { formatRoute } from '../shell/route.ts';
import { count, moment, until } from '../ui/relative-time.ts';
import { useNow } from '../ui/use-now.ts';
import { DeviceList } from './device-list.tsx';
import { OutboxList } from './outbox-list.tsx';
import { connectionSentence, reasonDetail } from './status-sentence.ts';
import { StorageSection } from './storage-section.tsx';

interface SyncPanelProps {
  readonly isOpen: boolean;
  readonly panelId: string;
}

export function SyncPanel({ isOpen, panelId }: SyncPanelProps): ReactNode {
  const { db } = useSession();
  const status = useSyncStatus(db);
  const detail = reasonDetail(status);
  return (
    <>
      <div className="panel-head">
        <h2>Sync</h2>
        <button
          type="button"
          className="icon-button"
          aria-label="Close"
          popoverTarget={panelId}
          popoverTargetAction="hide"
        >
          <X aria-hidden />
        </button>
      </div>
      <p className="panel-sentence">{connectionSentence(status)}</p>
      {detail !== null && <p className="detail">{detail}</p>}
      {isOpen && <NotAccepted panelId={panelId} />}
      {isOpen && <Times />}
      <NetworkSwitch panelId={panelId} />
      {isOpen && <OutboxList />}
      {isOpen && <DeviceList />}
      {isOpen && <StorageSection />}
    </>
  );
}

/** What the server refused is kept as a thing to decide, and nothing else waits for it. */
function NotAccepted({ panelId }: { readonly panelId: string }): ReactNode {
  const { conflicts } = useOverview();
  const refused = conflicts.filter(({ kind }) => kind === 'rejected').length;
  if (refused === 0) return null;
  return (
    <p className="danger-note" data-level="critical">
      <Ban aria-hidden />
      <span>
        {count(refused, 'change')} {refused === 1 ? 'was' : 'were'} not accepted and {refused === 1 ? 'is' : 'are'} kept
        here.{' '}
        <a href={formatRoute({ page: 'conflicts' })} onClick={() => document.getElementById(panelId)?.hidePopover()}>
          Decide what becomes of {refused === 1 ? 'it' : 'them'}
        </a>
      </span>
    </p>
  );
}

function Times(): ReactNode {
  const { db } = useSession();
  const { lastSyncedAt, firstSync, nextAttemptAt, connection } = useSyncStatus(db);
  const attempt = useAttempt();
  const now = useNow(1000);
  const canTry = connection === 'offline' || connection === 'backoff' || connection === 'stalled';
  return (
    <dl className="times">
      <div>
        <dt>Last synced</dt>
        <dd>
          {lastSyncedAt
            ? moment(lastSyncedAt, now)
            : firstSync === 'done'
              ? 'Not since this page was opened'
              : 'Never yet'}
        </dd>
      </div>
      {canTry && (
        <div>
          <dt>Next attempt</dt>
          <dd>
            {nextAttemptAt ? until(nextAttemptAt, now) : 'When the network is back'}
            <button
              type="button"
              className="button small"
              onClick={() => void attempt('The server could not be reached', () => db.sync.now())}
            >
              Try now
            </button>
          </dd>
        </div>
      )}
    </dl>
  );
}

/**
 * Pressed with a pointer it puts the panel away, which would lie over what one wants to do next; the chip shows the outcome.
 * For the keyboard the panel stays: there the focus must not jump.
 */
function NetworkSwitch({ panelId }: { readonly panelId: string }): ReactNode {
  const { db, me } = useSession();
  const { databaseName } = me;
  const { connection } = useSyncStatus(db);
  const [isCut, setCut] = useState(() => isNetworkCut(databaseName));
  const id = useId();

  useEffect(() => {
    if (connection === 'paused') setCut(true);
    if (connection !== 'online') return;
    setCut(false);
    forgetCut(databaseName);
  }, [connection, databaseName]);

  const toggle = (): void => {
    setCut(!isCut);
    cutNetwork(db, databaseName, !isCut);
    const panel = document.getElementById(panelId);
    if (!panel?.querySelector(':focus-visible')) panel?.hidePopover();
  };
  return (
    <button
      type="button"
      role="switch"
      className="switch"
      data-testid="cut-network"
      aria-checked={isCut}
      aria-labelledby={`${id}-name`}
      aria-describedby={`${id}-meaning`}
      disabled={connection === 'local-only'}
      onClick={toggle}
    >
      <span className="switch-text">
        <strong id={`${id}-name`}>Cut the network</strong>
        <span className="detail" id={`${id}-meaning`}>
          Nothing goes in or out until you switch it back, even after a reload.
        </span>
      </span>
      <span className="switch-track" aria-hidden />
    </button>
  );
}
