import { expect, test } from 'vitest';

import { saveSentence } from './save-sentence.ts';

const at = new Date(2026, 10, 20, 10, 42);

test('[DWHERE1] saved on this device is not synced', () => {
  expect(saveSentence({ isDirty: false, waitingSince: at, connection: 'online' })).toBe(
    'Saved on this device 10:42, not synced yet',
  );
  expect(saveSentence({ isDirty: false, waitingSince: undefined, connection: 'offline' })).toBe('Synced');
});

test('[DWHERE2] what is being typed is not called saved', () => {
  expect(saveSentence({ isDirty: true, waitingSince: undefined, connection: 'online' })).toBe('Typing, not saved yet');
});

test('[DWHERE3] without a server nothing is called synced', () => {
  expect(saveSentence({ isDirty: false, waitingSince: undefined, connection: 'local-only' })).toBe(
    'Saved on this device',
  );
});
