import { expect, test } from 'vitest';

import { createState } from './state.ts';

test('[OBS1] a state replays its value, emits only on change, and completes', () => {
  const source = createState(1);
  const heard: unknown[] = [];
  source.set(2);
  source.state$.subscribe({ next: (value) => heard.push(value), complete: () => heard.push('complete') });
  source.set(2);
  source.set(3);
  source.complete();
  source.set(4);
  expect(heard).toEqual([2, 3, 'complete']);
  expect(source.state$.value).toBe(3);
});

test('[OBS1] what is the same is for the state to say', () => {
  const source = createState([1], (a, b) => a.length === b.length);
  source.set([2]);
  expect(source.state$.value).toEqual([1]);
});
