/** What someone sees who has no notes yet: what this is, and the experiment that shows it. */
import { AppWindow, GitFork, Sparkles, Unplug } from 'lucide-react';
import type { ReactNode } from 'react';

import { addressOf } from '../data/identity.ts';
import { useSession } from '../data/session.tsx';
import { useAddSamples } from '../samples/use-add-samples.ts';

export function Welcome(): ReactNode {
  const { me } = useSession();
  const addSamples = useAddSamples();
  const other =
    me.user.id === 'anna' ? { user: 'bruno', device: "Bruno's laptop" } : { user: 'anna', device: "Anna's phone" };
  return (
    <div className="welcome">
      <h2>Notes that survive a lost network</h2>
      <p>
        Everything is saved on this device first and synced when it can be. No edit is lost silently. See for yourself:
      </p>
      <ol>
        <li>
          <AppWindow aria-hidden />
          <span>
            <a href={addressOf(other.user, other.device, me.space)} target="_blank" rel="noreferrer">
              Open a second window
            </a>{' '}
            as another person on another device.
          </span>
        </li>
        <li>
          <Unplug aria-hidden />
          <span>Cut the network in both (press the sync chip above) and give one note two different titles.</span>
        </li>
        <li>
          <GitFork aria-hidden />
          <span>Reconnect. Both titles are still there, one of you decides, and both windows agree.</span>
        </li>
      </ol>
      <button type="button" className="button" data-testid="add-samples" onClick={addSamples}>
        <Sparkles aria-hidden /> Add samples
      </button>
    </div>
  );
}
