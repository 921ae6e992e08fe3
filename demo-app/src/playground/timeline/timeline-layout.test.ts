import { expect, test } from 'vitest';

import { NOTHING_HEARD, type Recording } from './recording.ts';
import { lanesOf, layOut } from './timeline-layout.ts';

const change = (device: string, dot: string, moment: number) => ({
  device,
  dot,
  moment,
  number: 1,
  about: '“universe”',
  saw: {},
});

test('[DPLAY4] the server lies between the devices, and time goes to the right', () => {
  expect(lanesOf(['anna', 'bruno'])).toEqual(['anna', 'server', 'bruno']);
  expect(lanesOf(['anna', 'bruno', 'clara'])).toEqual(['anna', 'bruno', 'server', 'clara']);
  const recording: Recording = {
    ...NOTHING_HEARD,
    moments: 3,
    changes: [change('anna', 'a1', 0), change('bruno', 'b1', 1)],
    cuts: [{ device: 'bruno', from: 2, to: null }],
  };
  const { changes, brackets, stretches } = layOut(recording, ['anna', 'bruno']);
  expect(changes[1]!.x).toBeGreaterThan(changes[0]!.x + 60);
  expect(brackets).toHaveLength(1);
  expect(brackets[0]!.x).toBeLessThan(changes[0]!.x);
  expect(brackets[0]!.x + brackets[0]!.width).toBeGreaterThan(changes[1]!.x);
  expect(stretches.filter(({ device }) => device === 'bruno').map(({ isCut, x2 }) => [isCut, x2 === null])).toEqual([
    [false, false],
    [true, true],
  ]);
});
