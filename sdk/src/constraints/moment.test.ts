import fc from 'fast-check';
import { expect, test } from 'vitest';

import { momentOf } from './moment.ts';

test('[CST10] an instant is the same moment in every zone, and what the platform reads', () => {
  const range = { min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true };
  fc.assert(
    fc.property(fc.date(range), (date) => {
      expect(momentOf(date.toISOString())).toEqual({ kind: 'instant', at: date.getTime() });
      const wall = date.toISOString().slice(0, 16);
      expect(momentOf(wall)).toEqual({ kind: 'wall', at: Date.parse(`${wall}Z`) });
    }),
  );
  expect(momentOf('2026-11-17T10:00:00+02:00')).toEqual(momentOf('2026-11-17T08:00Z'));
  expect(momentOf('2026-11-17T10:00:00-05:30')).toEqual(momentOf('2026-11-17T15:30:00.000Z'));
});

test('[CST10] wall time is not read in the zone of the device, and a day begins at midnight', () => {
  expect(momentOf('2026-11-17')).toEqual({ kind: 'wall', at: Date.UTC(2026, 10, 17) });
  expect(momentOf('2026-11-17T10:00')).toEqual({ kind: 'wall', at: Date.UTC(2026, 10, 17, 10) });
  expect(momentOf('2024-02-29')).toEqual({ kind: 'wall', at: Date.UTC(2024, 1, 29) });
  expect(momentOf(17)).toEqual({ kind: 'number', at: 17 });
});

test.each([
  null,
  undefined,
  '',
  'tomorrow',
  '2026-11',
  '2026-13-01',
  '2026-00-01',
  '2026-02-29',
  '2026-04-31',
  '2026-11-17T24:00',
  '2026-11-17T10:60',
  '2026-11-17T10:00:60',
  '2026-11-17T10:00+25:00',
  '2026-11-17 10:00',
  '26-11-17T10:00',
  true,
  ['2026-11-17T10:00'],
])('[CST11] what is no moment takes part in nothing: %j', (value) => {
  expect(momentOf(value)).toBeNull();
});
