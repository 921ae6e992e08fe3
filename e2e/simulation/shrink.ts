/**
 * Makes a failing script smaller: leaves out steps, in ever smaller portions, as long as the same thing still goes wrong
 * (delta debugging, Zeller 2002), then devices, servers and pauses. Ends when nothing more can go, or when its time is up.
 */
import type { Script, ScriptStep } from './script.ts';
import type { Shape } from './shape.ts';

/** What went wrong, so that a smaller script is known to show the same; null: nothing. */
export type Symptom = (script: Script) => string | null;

export function shrink(script: Script, symptom: Symptom, endsAtMs: number): Script {
  const wanted = symptom(script);
  if (wanted === null) return script;
  const hasTime = (): boolean => performance.now() < endsAtMs;
  const stillFails = (candidate: Script): boolean => hasTime() && symptom(candidate) === wanted;
  let smallest = script;
  for (let before = Infinity; size(smallest) < before && hasTime();) {
    before = size(smallest);
    smallest = withFewerSteps(smallest, stillFails);
    smallest = withSimplerShape(smallest, stillFails);
    smallest = withFewerPauses(smallest, stillFails);
  }
  return smallest;
}

function size({ steps, shape }: Script): number {
  return steps.length + shape.devices + shape.servers + steps.filter((step) => step.pauseMs > 0).length;
}

function withFewerSteps(script: Script, stillFails: (script: Script) => boolean): Script {
  let { steps } = script;
  for (let portion = steps.length; portion >= 1; portion = Math.floor(portion / 2)) {
    for (let from = steps.length; from > 0; from -= portion) {
      const candidate = [...steps.slice(0, Math.max(0, from - portion)), ...steps.slice(from)];
      if (candidate.length < steps.length && stillFails({ ...script, steps: candidate })) steps = candidate;
    }
  }
  return { ...script, steps };
}

function withSimplerShape(script: Script, stillFails: (script: Script) => boolean): Script {
  let smallest = script;
  const simpler: readonly ((shape: Shape) => Shape)[] = [
    (shape) => ({ ...shape, devices: Math.max(1, shape.devices - 1) }),
    (shape) => ({ ...shape, servers: Math.max(1, shape.servers - 1) }),
    (shape) => ({ ...shape, isMixed: false }),
    (shape) => ({ ...shape, entriesPerPage: 100, recordsPerPiece: 100 }),
  ];
  for (const simplify of simpler) {
    const candidate = { ...smallest, shape: simplify(smallest.shape) };
    if (stillFails(candidate)) smallest = candidate;
  }
  return smallest;
}

function withFewerPauses(script: Script, stillFails: (script: Script) => boolean): Script {
  let { steps } = script;
  for (let i = 0; i < steps.length; i++) {
    if (steps[i]!.pauseMs === 0) continue;
    const candidate = steps.map((step, at): ScriptStep => (at === i ? { ...step, pauseMs: 0 } : step));
    if (stillFails({ ...script, steps: candidate })) steps = candidate;
  }
  return { ...script, steps };
}
