/** Runs scripts and says what came of them. */
import type { Script } from './script.ts';
import { scriptOf } from './script.ts';
import { shapeInWords } from './shape.ts';
import { shrink } from './shrink.ts';
import { describe } from './describe.ts';
import { symptomOf, Violation } from './violation.ts';
import { World, type WorldResult } from './world.ts';

export interface Failure {
  readonly seed: number;
  /** Of the script; Infinity: at the quiet end. */
  readonly step: number;
  readonly symptom: string;
  readonly message: string;
}

export type Outcome = { readonly result: WorldResult } | { readonly failure: Failure };

export function runScript(script: Script): Outcome {
  const world = new World(script);
  try {
    return { result: world.run() };
  } catch (error) {
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { failure: { seed: script.seed, step: world.step, symptom: symptomOf(error), message } };
  }
}

/** Twice when asked: a run that cannot be repeated proves nothing. */
export function runSeed(seed: number, isTwice: boolean): Outcome {
  const outcome = runScript(scriptOf(seed));
  if (!isTwice || 'failure' in outcome) return outcome;
  const again = runScript(scriptOf(seed));
  if ('result' in again && again.result.traceHash === outcome.result.traceHash) return outcome;
  const error = new Violation('SEED', 'a second run of this seed went otherwise');
  return { failure: { seed, step: Infinity, symptom: error.invariant, message: error.message } };
}

/** The smallest script that was found to fail alike, in words. */
export function explain(seed: number, forMs: number): string {
  const symptom = (script: Script): string | null => {
    const outcome = runScript(script);
    return 'failure' in outcome ? outcome.failure.symptom : null;
  };
  const whole = scriptOf(seed);
  const outcome = runScript(whole);
  // What comes after the failure has no part in it.
  const last = 'failure' in outcome ? outcome.failure.step : Infinity;
  const upToFailure = { ...whole, steps: whole.steps.filter((step) => step.no <= last) };
  const smallest = shrink(upToFailure, symptom, performance.now() + forMs);
  const world = new World(smallest);
  let end = 'goes well';
  try {
    world.run();
  } catch (error) {
    end = `${stepInWords(world.step)}: ${error instanceof Error ? error.message : String(error)}`;
  }
  return [shapeInWords(smallest.shape), ...world.told, end, describe(world)].join('\n');
}

export function stepInWords(step: number): string {
  return Number.isFinite(step) ? `step ${step}` : 'at the quiet end';
}
