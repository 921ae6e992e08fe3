/** The same marks for the eye, before the title of an event. */
import { ArrowUpFromLine, GitFork, SquareSplitHorizontal } from 'lucide-react';
import type { ReactNode } from 'react';

import type { EventMarks } from './event-marks.ts';

export function EventIcons({ isDoubled, isWaiting, isInConflict }: EventMarks): ReactNode {
  return (
    <>
      {isDoubled && <SquareSplitHorizontal aria-hidden />}
      {isInConflict && <GitFork aria-hidden />}
      {isWaiting && <ArrowUpFromLine aria-hidden />}
    </>
  );
}
