/** All scenarios, in the order in which they are offered. */
import { crashBeforeSync } from './crash-before-sync.ts';
import { deleteAgainstEdit } from './delete-against-edit.ts';
import { differentFields } from './different-fields.ts';
import { doubleBooking } from './double-booking.ts';
import { sameField } from './same-field.ts';
import { sameParagraph } from './same-paragraph.ts';
import type { Scenario } from './scenario.ts';
import { threeDevices } from './three-devices.ts';
import { wrongClock } from './wrong-clock.ts';

export const SCENARIOS: readonly Scenario[] = [
  sameField,
  differentFields,
  sameParagraph,
  deleteAgainstEdit,
  doubleBooking,
  threeDevices,
  wrongClock,
  crashBeforeSync,
];
