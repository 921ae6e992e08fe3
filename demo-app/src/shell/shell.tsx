/** The frame: where one can go, where one is, who one is, and how the sync stands. The rail is at the bottom on a phone. */
import { CalendarDays, GitFork, NotebookText, Settings } from 'lucide-react';
import { useEffect, type ReactNode } from 'react';

import { NotKeptNotices } from '../conflicts/not-kept-notices.tsx';
import { useOverview } from '../data/overview.tsx';
import { MergeWatch } from '../merges/merge-watch.tsx';
import { NotesPage } from '../notes/notes-page.tsx';
import { DocumentAttributes } from '../sync-status/document-attributes.tsx';
import { SyncChip } from '../sync-status/sync-chip.tsx';
import { AccountMenu } from './account-menu.tsx';
import { Logo } from './logo.tsx';
import { OnDemand } from './on-demand.tsx';
import { CalendarPage, ConflictsPage, fetchTheRest, SettingsPage } from './pages.ts';
import { formatRoute, useRoute, type Route } from './route.ts';

const TITLES: Readonly<Record<Route['page'], string>> = {
  notes: 'Notes',
  calendar: 'Calendar',
  conflicts: 'Conflicts',
  settings: 'Settings',
};

export function Shell(): ReactNode {
  const route = useRoute();
  const title = TITLES[route.page];
  useEffect(fetchTheRest, []);
  useEffect(() => {
    document.title = `${title} · Skerry`;
  }, [title]);
  return (
    <div className="shell" data-page={route.page}>
      <DocumentAttributes />
      <NotKeptNotices />
      <MergeWatch />
      <a className="skip-link" href="#main" onClick={focusMain}>
        Skip to content
      </a>
      <nav className="rail" aria-label="Main">
        <Logo />
        <RailLink page={route.page} to={{ page: 'notes', noteId: null }} icon={<NotebookText aria-hidden />} />
        <RailLink
          page={route.page}
          to={{ page: 'calendar', day: null, eventId: null }}
          icon={<CalendarDays aria-hidden />}
        />
        <RailLink page={route.page} to={{ page: 'conflicts' }} icon={<GitFork aria-hidden />} />
        <RailLink page={route.page} to={{ page: 'settings' }} icon={<Settings aria-hidden />} />
      </nav>
      <header className="top-bar">
        <h1>{title}</h1>
        <SyncChip />
        <AccountMenu />
      </header>
      <main id="main" tabIndex={-1}>
        {route.page === 'notes' && <NotesPage noteId={route.noteId} view={route.view} />}
        <OnDemand key={route.page}>
          {route.page === 'calendar' && <CalendarPage place={route} />}
          {route.page === 'conflicts' && <ConflictsPage />}
          {route.page === 'settings' && <SettingsPage />}
        </OnDemand>
      </main>
    </div>
  );
}

function RailLink(props: { readonly page: Route['page']; readonly to: Route; readonly icon: ReactNode }): ReactNode {
  const { toDecide } = useOverview();
  const { page } = props.to;
  const isConflicts = page === 'conflicts' && toDecide > 0;
  return (
    <a className="rail-link" href={formatRoute(props.to)} aria-current={props.page === page ? 'page' : undefined}>
      {props.icon}
      <span>{TITLES[page]}</span>
      {isConflicts && (
        <>
          <span className="badge" data-testid="conflict-badge">
            {toDecide}
          </span>
          <span className="visually-hidden">to decide</span>
        </>
      )}
    </a>
  );
}

/** The hash of the address is the route, so the link moves the focus by itself. */
function focusMain(event: React.MouseEvent): void {
  event.preventDefault();
  document.getElementById('main')?.focus();
}
