import { BehaviorSubject, defer, type Observable } from 'rxjs';
import { expect, test } from 'vitest';

import { externalStore } from './external-store.ts';

test('[REACT1] the snapshot is what the observable holds, with or without a subscriber', () => {
  const source = new BehaviorSubject(1);
  const store = externalStore<number>(source);
  expect(store.getSnapshot()).toBe(1);
  source.next(2);
  expect(store.getSnapshot()).toBe(2);
});

test('[REACT2] a subscriber is told of every change until it leaves, and then the source is free', () => {
  const source = new BehaviorSubject('a');
  const store = externalStore<string>(source);
  const seen: string[] = [];
  const leave = store.subscribe(() => seen.push(store.getSnapshot()));
  source.next('b');
  leave();
  source.next('c');
  expect(seen).toEqual(['a', 'b']);
  expect(source.observed).toBe(false);
});

test('[REACT7] what the source fails with is thrown to who reads it, until somebody subscribes anew', () => {
  const sources = [new BehaviorSubject(1), new BehaviorSubject(2)];
  const store = externalStore<number>(
    Object.defineProperty(
      defer(() => sources.shift()!),
      'value',
      { get: () => 1 },
    ) as Observable<number> & { readonly value: number },
  );
  let changes = 0;
  const [first] = sources;
  const leave = store.subscribe(() => (changes += 1));
  first!.error(new Error('the disk is gone'));
  expect(changes).toBe(2);
  expect(() => store.getSnapshot()).toThrow('the disk is gone');
  leave();
  store.subscribe(() => {})();
  expect(store.getSnapshot()).toBe(1);
});
