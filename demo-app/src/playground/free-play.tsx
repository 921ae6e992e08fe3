/** No script: two to four devices, and whoever looks does what they like. */
import { useValue } from '@skerry/sdk/react';
import { Plus } from 'lucide-react';
import type { ReactNode } from 'react';

import { CAST, ORDER } from './cast.ts';
import type { Run } from './run.ts';

export function FreePlay({ run }: { readonly run: Run }): ReactNode {
  const devices = useValue(run.devices$);
  const next = ORDER.find((id) => devices.every((device) => device.id !== id));
  return (
    <>
      <h2>Try whatever should not work.</h2>
      <p className="free-words">
        These are real devices: what you write is in the database of that device, and goes to the others through the
        server. Cut networks, write at two places at once, book one room twice, delete what somebody else is writing in.
        Then switch the networks on again, and look at the timeline.
      </p>
      <div className="controls">
        {next ? (
          <button type="button" className="button" data-testid="add-device" onClick={() => run.add(next)}>
            <Plus aria-hidden /> Add {CAST[next].device}
          </button>
        ) : (
          <p className="detail">Four devices are all that fit here; the server takes more.</p>
        )}
      </div>
    </>
  );
}
