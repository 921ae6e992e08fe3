/** Whether all devices show the same: rows and open questions, read from their databases whenever something happens. */
import { Check } from 'lucide-react';
import { useEffect, useState, type ReactNode } from 'react';
import { merge, switchMap } from 'rxjs';

import type { FrameDevice } from './frame-device.ts';
import { changesOf, shownBy } from './shown.ts';

const READ_MS = 100;

export function Agreement({ devices }: { readonly devices: readonly FrameDevice[] }): ReactNode {
  const isSame = useAgreement(devices);
  const all = devices.length === 2 ? 'Both devices' : `All ${devices.length} devices`;
  return (
    <p className="agreement" role="status" data-testid="agreement" data-same={isSame ?? undefined}>
      {isSame ? <Check aria-hidden /> : <span className="agreement-sign" aria-hidden />}
      {isSame === null ? 'Opening…' : isSame ? `${all} show the same.` : 'The devices show different things.'}
    </p>
  );
}

/** Null until all of them are open. */
function useAgreement(devices: readonly FrameDevice[]): boolean | null {
  const [isSame, setSame] = useState<boolean | null>(null);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let turn = 0;
    const read = async (): Promise<void> => {
      const mine = ++turn;
      const open = devices.map(({ state$ }) => state$.value.db);
      const shown = open.every((db) => db !== null) ? await Promise.all(open.map(shownBy)) : null;
      if (mine === turn) setSame(shown && shown.every((one) => one === shown[0]));
    };
    // A window that is torn away has another handle afterwards.
    const happenings = devices.map(({ state$ }) => state$.pipe(switchMap(({ db }) => (db ? changesOf(db) : [null]))));
    const subscription = merge(...happenings).subscribe(() => {
      clearTimeout(timer);
      // One that does not answer any more is read again as soon as its successor is there.
      timer = setTimeout(() => void read().catch(() => undefined), READ_MS);
    });
    return () => {
      subscription.unsubscribe();
      clearTimeout(timer);
      turn++;
    };
  }, [devices]);
  return isSame;
}
