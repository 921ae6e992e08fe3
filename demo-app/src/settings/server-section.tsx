/** Where this device syncs to, how that stands, and how another device gets there. */
import { useSyncStatus } from '@skerry/sdk/react';
import { Copy, RefreshCw } from 'lucide-react';
import type { ReactNode } from 'react';

import { SERVER_PATH } from '../data/open-database.ts';
import { useSession } from '../data/session.tsx';
import { useAttempt } from '../data/use-attempt.ts';
import { connectionSentence } from '../sync-status/status-sentence.ts';
import { useNotices } from '../ui/notices.tsx';
import { SettingsSection } from './settings-section.tsx';

export function ServerSection(): ReactNode {
  const { db, me } = useSession();
  const status = useSyncStatus(db);
  const attempt = useAttempt();
  const notices = useNotices();
  const link = linkForAnotherDevice(me.space);
  const syncNow = (): void =>
    void attempt('The server could not be reached', async () => {
      await db.sync.now();
      await db.sync.settled({ timeoutMs: 10_000 });
      notices.toast('Everything is synced.');
    });
  const copy = (): void =>
    void attempt('The link could not be copied', async () => {
      await navigator.clipboard.writeText(link);
      notices.toast('The link is copied.');
    });
  return (
    <SettingsSection title="Server" lead={connectionSentence(status)}>
      <dl className="facts">
        <div>
          <dt>Address</dt>
          <dd>{new URL(SERVER_PATH, location.href).href}</dd>
        </div>
        <div>
          <dt>Space</dt>
          <dd>{me.space}</dd>
        </div>
        <div>
          <dt>For others</dt>
          <dd>
            <a href={link}>{link}</a>
          </dd>
        </div>
      </dl>
      <div className="settings-actions">
        <button
          type="button"
          className="button"
          data-testid="sync-now"
          disabled={status.connection === 'paused'}
          onClick={syncNow}
        >
          <RefreshCw aria-hidden /> Sync now
        </button>
        {/* Pages from plain http have no clipboard: there the link can be copied as it stands. */}
        {navigator.clipboard && (
          <button type="button" className="button" onClick={copy}>
            <Copy aria-hidden /> Copy the link
          </button>
        )}
      </div>
    </SettingsSection>
  );
}

/** Whoever opens it comes as themselves, and sees the same notes and events. */
function linkForAnotherDevice(space: string): string {
  const { origin, pathname } = location;
  return origin + pathname + (space === 'demo' ? '' : `?${new URLSearchParams({ space })}`);
}
