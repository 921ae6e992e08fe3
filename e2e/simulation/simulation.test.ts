import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

import { editsOf, mutated, MUTANTS } from './mutants/mutants.ts';
import { runScript } from './run.ts';
import { scriptOf, type Script } from './script.ts';
import { shrink } from './shrink.ts';

const ROOT = resolve(import.meta.dirname, '../..');

describe('the simulation', () => {
  it('[SIM1] the same seed is the same script and the same run', () => {
    expect(scriptOf(7)).toEqual(scriptOf(7));
    expect(scriptOf(8)).not.toEqual(scriptOf(7));
    const [one, two] = [runScript(scriptOf(7)), runScript(scriptOf(7))];
    expect(one).toHaveProperty('result');
    expect(two).toEqual(one);
  }, 60_000);

  it('[SIM2] leaves out whatever the failure does not need', () => {
    const script = scriptOf(7);
    const needed = [script.steps[3]!.no, script.steps[40]!.no];
    const symptom = ({ steps }: Script): string | null =>
      needed.every((no) => steps.some((step) => step.no === no)) ? 'both are there' : null;
    const smallest = shrink(script, symptom, Infinity);
    expect(smallest.steps.map((step) => step.no)).toEqual(needed);
    expect(smallest.steps.every((step) => step.pauseMs === 0)).toBe(true);
    expect(shrink(script, () => null, Infinity)).toBe(script);
  });

  it.each(MUTANTS)('[SIM3] $name: $file has its piece once', (mutant) => {
    for (const edit of editsOf(mutant)) {
      const source = readFileSync(join(ROOT, edit.file), 'utf8');
      expect(mutated(mutant.name, edit, source)).not.toBe(source);
      expect(() => mutated(mutant.name, edit, '')).toThrow('0 times');
    }
  });
});
