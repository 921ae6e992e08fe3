/** A world's whole story as data: drawn from a seed before anything runs, so that parts of it can be left out. */
import { drawAction, type Action } from './actions.ts';
import { Dice } from './dice.ts';
import { shapeOf, type Shape } from './shape.ts';

export interface Script {
  readonly seed: number;
  readonly shape: Shape;
  readonly steps: readonly ScriptStep[];
}

export interface ScriptStep {
  /** Its number in the script as it was drawn. */
  readonly no: number;
  readonly action: Action;
  /** How long nothing else is done after it. */
  readonly pauseMs: number;
}

export function scriptOf(seed: number): Script {
  const dice = new Dice(seed);
  const shape = shapeOf(dice);
  const count = 60 + dice.below(160);
  const steps = Array.from({ length: count }, (_, i): ScriptStep => {
    const action = drawAction(dice);
    return { no: i + 1, action, pauseMs: drawPause(dice) };
  });
  return { seed, shape, steps };
}

function drawPause(dice: Dice): number {
  if (dice.chance(0.4)) return 0;
  if (dice.chance(0.04)) return dice.fraction() * 5 * 60_000;
  return dice.chance(0.1) ? dice.fraction() * 20_000 : dice.fraction() * 800;
}
