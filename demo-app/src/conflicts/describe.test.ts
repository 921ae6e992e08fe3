import type { FieldConflict, RejectedWrite } from '@skerry/sdk';
import { expect, test } from 'vitest';

import {
  allTogether,
  attemptText,
  isProvisional,
  notKeptText,
  refusalText,
  rowText,
  shapeOf,
  subjectOf,
  valueText,
} from './describe.ts';
import type { Lost } from './not-kept.ts';

const slot = { fields: ['room', 'start', 'end'] };

test('[DSAY1] a conflict is named by what people call its fields', () => {
  expect([{ fields: ['title'] }, { fields: ['body'] }, slot].map(subjectOf)).toEqual([
    'title',
    'text',
    'room and time',
  ]);
  expect([{ fields: ['title'] }, { fields: ['body'] }, slot, { fields: ['pinned'] }].map(shapeOf)).toEqual([
    'line',
    'text',
    'booking',
    'other',
  ]);
});

test('[DSAY2] room, start and end are read as one', () => {
  const values = { room: 'Room A', start: '2026-11-17T10:00', end: '2026-11-17T11:00' };
  expect(valueText(slot, values)).toBe('Room A, Tue 17 Nov, 10:00–11:00');
  expect(valueText(slot, { room: '', start: 'soon' })).toBe('No room');
});

test('[DSAY3] keeping both leaves nothing out and repeats nothing', () => {
  expect(allTogether(conflict('title', ['universe', 'unicorn', 'universe']))).toEqual({ title: 'universe / unicorn' });
  expect(allTogether(conflict('body', ['one', 'two']))).toEqual({ body: 'one\n\ntwo' });
  expect(allTogether(conflict('title', ['', 'unicorn']))).toBe(null);
  expect(allTogether(conflict('room', ['A', 'B']))).toBe(null);
});

test('[DSAY4] the version that is shown for now is told apart', () => {
  const both = conflict('title', ['universe', 'unicorn']);
  expect(both.versions.map((_version, index) => isProvisional(both, index))).toEqual([true, false]);
});

test('[DSAY5] keeping all of a merged text decides its clashes, not the rest', () => {
  const merged = { ...conflict('body', ['universe', 'unicorn\nTea']), provisional: { body: 'unicorn\nTea' } };
  const hunks = [{ offset: 0, length: 7, base: '', versions: ['universe', 'unicorn'] }];
  expect(allTogether({ ...merged, hunks })).toEqual({ body: 'universe / unicorn\nTea' });
  expect([0, 1].map((version) => isProvisional({ ...merged, hunks }, version))).toEqual([false, true]);
});

function conflict(field: string, values: readonly string[]): FieldConflict {
  return {
    id: 'c',
    kind: 'field',
    collection: 'notes',
    rowId: 'r',
    detectedAt: new Date(0),
    fields: [field],
    base: {},
    versions: values.map((value) => ({
      value: { [field]: value },
      user: null,
      device: null,
      at: new Date(0),
      here: false,
    })),
    provisional: { [field]: values[0] },
    resolve: () => Promise.reject(new Error('not here')),
  };
}

test('[DSAY6] a write that was not taken is told by its fields and by what can be done', () => {
  const attempted = { title: 'Groceries', body: 'Milk', pinned: undefined };
  expect(attemptText({ action: 'write', attempted })).toBe('title: Groceries, text: Milk, pin: nothing');
  expect(attemptText({ action: 'delete', attempted: {} })).toBe('Delete it');
  const texts = (['FORBIDDEN', 'TOO_LARGE', 'INVALID_CHANGE'] as const).map((code) =>
    refusalText({ error: { code } as RejectedWrite['error'] }),
  );
  expect(new Set(texts).size).toBe(3);
  expect(texts.every((text) => text.includes('kept here until you decide'))).toBe(true);
});

test('[DSAY7] a whole note or event is told in a line', () => {
  expect(rowText('notes', { title: 'Groceries', body: ' Milk ' })).toBe('Groceries: Milk');
  expect(rowText('notes', { title: ' ' })).toBe('Untitled');
  expect(rowText('notes', { title: 'Long', body: 'x'.repeat(300) })).toBe(`Long: ${'x'.repeat(200)}…`);
  expect(rowText('events', { title: 'Standup', room: 'A' })).toBe('Standup: A');
});

test('[DSAY8] whose version was not kept is told who decided, about what, and what their version was', () => {
  const lost = (one: FieldConflict): Lost => ({ conflict: one, index: 0, version: one.versions[0]! });
  const title = conflict('title', ['universe', 'unicorn']);
  expect(notKeptText(lost(title), { title: 'unicorn' }, 'Ben')).toBe(
    'Ben decided the title of ‘unicorn’. Your version, ‘universe’, was not kept.',
  );
  expect(notKeptText(lost(conflict('title', [' ', 'x'])), { title: 'x' }, 'Ben')).toBe(
    'Ben decided the title of ‘x’. Your version was not kept.',
  );
  expect(notKeptText(lost(title), null, 'Ben')).toBe(
    'Ben deleted ‘universe’. Your version of the title went with the note.',
  );
  const long = notKeptText(lost(conflict('body', ['word '.repeat(90), 'x'])), { title: '' }, 'Ben');
  expect(long).toMatch(/^Ben decided the text of ‘Untitled’\. Your version, ‘(word ?)+…’, was not kept\.$/);
});
