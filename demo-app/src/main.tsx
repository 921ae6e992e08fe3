/** Composition root of the demo: who is here, the database, the page. */
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';

import { readIdentity } from './data/identity.ts';
import { openLostVersions } from './data/lost-versions.ts';
import { openDatabase } from './data/open-database.ts';
import { OverviewProvider } from './data/overview.tsx';
import { SessionProvider } from './data/session.tsx';
import { openMergeLog } from './merges/merge-log.ts';
import { isPlayground, reloadWhenCrossing } from './playground/address.ts';
import { Shell } from './shell/shell.tsx';
import { StartFailed } from './shell/start-failed.tsx';
import { applyTheme, followTheme } from './shell/theme.ts';
import { keepInstalled } from './shell/updates.ts';
import { NoticesProvider } from './ui/notices.tsx';
import './ui/styles/index.css';

async function start(container: HTMLElement): Promise<void> {
  const root = createRoot(container);
  const me = readIdentity(location.search, localStorage, navigator.userAgent, randomId);
  try {
    const db = await openDatabase(me);
    const lost = openLostVersions(localStorage, me.databaseName);
    const merges = openMergeLog(localStorage, me.databaseName);
    root.render(
      <StrictMode>
        <SessionProvider session={{ db, me, lost, merges }}>
          <NoticesProvider>
            <OverviewProvider>
              <Shell />
            </OverviewProvider>
          </NoticesProvider>
        </SessionProvider>
      </StrictMode>,
    );
  } catch (error) {
    root.render(<StartFailed error={error} />);
  }
  // A page that cannot be installed works all the same: private windows, plain http.
  keepInstalled((error) => console.info('Not installed:', error));
}

/** Several devices side by side, each this app in a frame. It has no database of its own. */
async function play(container: HTMLElement): Promise<void> {
  const { showPlayground } = await import('./playground/playground.tsx');
  showPlayground(container, randomId());
  keepInstalled((error) => console.info('Not installed:', error));
}

/** Not randomUUID(): browsers keep that from pages that came over plain http from another host. */
function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

const container = document.getElementById('app');
applyTheme();
followTheme();
reloadWhenCrossing();
if (container) void (isPlayground(location.hash) ? play(container) : start(container));
