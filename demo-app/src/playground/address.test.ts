import { expect, test } from 'vitest';

import { addressOfScenario, isPlayground, scenarioIn } from './address.ts';

test('[DPLAY5] a scenario has an address, and what is no address of the playground is the app', () => {
  expect(scenarioIn(addressOfScenario('same-field'))).toBe('same-field');
  expect(['#/playground', '#/playground/', '#/playground/x'].map(isPlayground)).toEqual([true, true, true]);
  expect(['', '#/', '#/notes/playground', '#/playgrounds'].map(isPlayground)).toEqual([false, false, false, false]);
  expect(scenarioIn('#/playground')).toBe('');
});
