import { expect, test } from 'vitest';

import { newDraft, showsStored, stepDraft, type Draft, type DraftEvent } from './draft.ts';

const focused: DraftEvent = { type: 'focused' };
const left: DraftEvent = { type: 'left' };
const typed = (value: string): DraftEvent => ({ type: 'typed', value });
const saved = (value: string): DraftEvent => ({ type: 'saved', value });
const stored = (value: string, isConflicted = false): DraftEvent => ({ type: 'stored', value, isConflicted });

test('[DRAFT1] what others write appears while nobody types, also in the field that has the caret', () => {
  expect(after('boat', stored('the boat')).shown).toBe('the boat');
  expect(after('boat', focused, stored('the boat')).shown).toBe('the boat');
});

test('[DRAFT2] what is being typed is not replaced, and gives way once it is saved', () => {
  const typing = after('', focused, typed('uni'), stored('unicorn'));
  expect(typing).toMatchObject({ shown: 'uni', isDirty: true });
  const idle = [saved('uni'), stored('uni'), stored('unicorn')].reduce(stepDraft, typing);
  expect(idle).toMatchObject({ shown: 'unicorn', isDirty: false });
});

test('[DRAFT3] what was typed during a save is still to be saved', () => {
  expect(after('', typed('uni'), typed('univ'), saved('uni'))).toMatchObject({ shown: 'univ', isDirty: true });
});

test('[DRAFT4] a conflict that opens under the hands leaves the person in their own version', () => {
  const draft = after('', focused, typed('universe'), saved('universe'), stored('unicorn', true));
  expect(draft).toMatchObject({ shown: 'universe', isHeld: true });
  expect(showsStored(draft)).toBe(false);
  const typingOn = [typed('universes'), saved('universes'), stored('unicorn', true)].reduce(stepDraft, draft);
  expect(typingOn).toMatchObject({ shown: 'universes', isHeld: true });
});

test('[DRAFT5] who leaves the field sees what is stored', () => {
  const draft = after(
    '',
    focused,
    typed('universe'),
    saved('universe'),
    stored('unicorn', true),
    left,
    stored('unicorn', true),
  );
  expect(draft).toEqual({ shown: 'unicorn', isDirty: false, isFocused: false, isConflicted: true, isHeld: false });
});

test('[DRAFT6] who enters a field that is in conflict has seen it', () => {
  const draft = stepDraft(newDraft('unicorn', true), focused);
  expect(stepDraft(draft, stored('unicorn', true))).toMatchObject({ isHeld: false });
  expect(showsStored(draft)).toBe(true);
});

test('[DRAFT7] a conflict that someone else settles shows its outcome', () => {
  const held = after('', focused, stored('unicorn', true));
  expect(stepDraft(held, stored('both'))).toMatchObject({ shown: 'both', isHeld: false });
});

function after(initial: string, ...events: DraftEvent[]): Draft {
  return events.reduce(stepDraft, newDraft(initial, false));
}
