/** Looking over what is stored, while the session has nothing else to do: slice by slice, and never in anybody's way. */
import type { InspectionResult } from '../store/device-store.ts';
import type { Effect, Moment } from './events.ts';
import { drop, mayRepair } from './link.ts';
import { DIVERGED } from './pulling.ts';
import { isInSync } from './report.ts';
import { onLink, withEffects, type SessionState, type Step } from './state.ts';

/** So long after the welcome, when an app has long shown what it shows first. */
const INSPECT_AFTER_MS = 60_000;
/** When there was something else to do, or something moved meanwhile. */
const INSPECT_AGAIN_MS = 600_000;

/** A server looks after its own storage. */
export function awaitInspection({ options }: SessionState): readonly Effect[] {
  return options.peer === undefined ? [inspectTimer(INSPECT_AFTER_MS)] : [];
}

export function beginInspection(state: SessionState): Step {
  return isInSync(state) ? withEffects(state, onLink(state, { type: 'inspect', inspection: null })) : later(state);
}

export function inspected(state: SessionState, result: InspectionResult, moment: Moment): Step {
  switch (result.type) {
    case 'going-on':
      if (!isInSync(state)) return later(state);
      return withEffects(state, onLink(state, { type: 'inspect', inspection: result.inspection }));
    case 'moved':
      return later(state);
    case 'done':
      if (!result.isDiverged || !mayRepair(state, moment)) return withEffects(state, inspectTimer(result.nextInMs));
      return andDrop(state, moment);
  }
}

/** The next hello asks for a snapshot. */
function andDrop(state: SessionState, moment: Moment): Step {
  const dropped = drop(state, DIVERGED, moment);
  return {
    ...dropped,
    effects: [{ type: 'announce', news: { at: moment.nowMs, type: 'diverged' } }, ...dropped.effects],
  };
}

function later(state: SessionState): Step {
  return withEffects(state, inspectTimer(INSPECT_AGAIN_MS));
}

function inspectTimer(afterMs: number): Effect {
  return { type: 'set-timer', timer: 'inspect', afterMs };
}
