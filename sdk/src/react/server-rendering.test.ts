import { createElement, type ReactNode } from 'react';
import { renderToString } from 'react-dom/server';
import { BehaviorSubject, Observable } from 'rxjs';
import { expect, test } from 'vitest';

import type { Collection, LiveQuery, Stored } from '../client/types.ts';
import { useLive, useLiveOne, useValue } from '../react.ts';

interface Note {
  title: string;
}

test('[REACT5] on a server a state renders with its value', () => {
  const state = new BehaviorSubject('online');
  expect(renderToString(createElement(() => useValue(state)))).toBe('online');
});

test('[REACT6] on a server a live query is not there yet, and never runs', () => {
  let started = 0;
  const notes = collectionOver(() => started++);
  function Notes(): ReactNode {
    return `${useLive(notes)} ${useLiveOne(notes, 'id')}`;
  }
  expect(renderToString(createElement(Notes))).toBe('undefined undefined');
  expect(started).toBe(0);
});

/** Of a collection only its live queries, which say when they are started. */
function collectionOver(onStart: () => void): Collection<Note> {
  function live<T>(): LiveQuery<T> {
    const source = new Observable<T>(onStart);
    return Object.assign(source, { value: undefined });
  }
  return {
    live: () => live<Stored<Note>[]>(),
    liveOne: () => live<Stored<Note> | null>(),
  } as unknown as Collection<Note>;
}
