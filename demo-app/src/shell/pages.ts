/**
 * The pages and parts whose code is not needed for the first look. It is fetched right after that, so that it is there when the
 * network goes, also before the app is installed.
 */
import { lazy, type ComponentType } from 'react';

const settings = () => import('../settings/settings-page.tsx');
const calendar = () => import('../calendar/calendar-page.tsx');
const conflicts = () => import('../conflicts/conflicts-page.tsx');
const editor = () => import('../notes/note-detail.tsx');
const history = () => import('../history/note-history-panel.tsx');

export const SettingsPage = part(async () => (await settings()).SettingsPage);
export const CalendarPage = part(async () => (await calendar()).CalendarPage);
export const ConflictsPage = part(async () => (await conflicts()).ConflictsPage);
export const NoteDetail = part(async () => (await editor()).NoteDetail);
export const NoteHistoryPanel = part(async () => (await history()).NoteHistoryPanel);

/** What fails here is tried again when someone goes there. */
export function fetchTheRest(): void {
  for (const load of [editor, conflicts, calendar, history, settings]) load().catch(() => {});
}

function part<Props extends object>(load: () => Promise<ComponentType<Props>>) {
  return lazy(async () => ({ default: await load() }));
}
