/** The React entry: hooks over the observables of a database. They hold no state of their own. */
export { useConflicts, useSyncStatus, useValue } from './react/value.ts';
export { useLive, useLiveOne } from './react/live.ts';
