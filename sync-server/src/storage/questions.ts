/** Which facts a decision needs, gathered from what it is about: asked for in one question before it is made. */
import {
  dotsNamed,
  incOf,
  spaceKey,
  type Change,
  type Dot,
  type Inc,
  type LogEntry,
  type PreparedPush,
} from '@skerry/sdk/kernel';

import type { RecordName, SpaceQuestion } from './port.ts';

/** For pushes of one space that are decided one after the other. */
export function questionOfPushes(space: string, pushes: readonly PreparedPush[]): SpaceQuestion {
  const changes = pushes.flatMap((push) => push.changes.map(({ change }) => change));
  return questionOf(
    space,
    pushes.flatMap(({ incs }) => incs),
    changes.map(({ dot }) => dot),
    changes,
  );
}

/** For a page that another server sent. */
export function questionOfPage(space: string, entries: readonly LogEntry[]): SpaceQuestion {
  const dots = entries.flatMap((entry) => ('control' in entry ? [] : [entry.dot]));
  const changes = entries.flatMap((entry) => ('change' in entry && entry.change ? [entry.change] : []));
  return questionOf(space, dots.map(incOf), dots, changes);
}

/** Where a space stands, and nothing else. */
export function questionOfSpace(space: string): SpaceQuestion {
  return { space, incs: [], dots: [], records: [] };
}

function questionOf(
  space: string,
  incs: readonly Inc[],
  dots: readonly Dot[],
  changes: readonly Change[],
): SpaceQuestion {
  const before = changes.flatMap(({ ex, recs }) => [...(ex ?? []), ...dotsNamed(recs)]).map(incOf);
  const records = new Map<string, RecordName>();
  for (const { recs } of changes) for (const { c, id } of recs) records.set(spaceKey(c, id), { c, id });
  return { space, incs: [...new Set([...incs, ...before])], dots, records: [...records.values()] };
}
