/** The devices whose changes are here, this one first, then whoever was heard of last. */
import type { Peer } from '@skerry/sdk';
import { useValue } from '@skerry/sdk/react';
import type { ReactNode } from 'react';

import { useSession } from '../data/session.tsx';
import { authorOf } from '../ui/author.ts';
import { Disc } from '../ui/byline.tsx';
import { ago, count, exactly } from '../ui/relative-time.ts';
import { useNow } from '../ui/use-now.ts';

const SHOWN = 6;

export function DeviceList(): ReactNode {
  const { db } = useSession();
  const peers = useValue(db.peers$);
  const now = useNow(10_000);
  if (peers.length === 0) return null;
  const ordered = peers.toSorted(
    (a, b) => Number(b.here) - Number(a.here) || b.lastSeenAt.getTime() - a.lastSeenAt.getTime(),
  );
  return (
    <section className="panel-section" aria-label="Devices" data-testid="devices">
      <h3>Devices that have written</h3>
      <ul className="devices">
        {ordered.slice(0, SHOWN).map((peer) => (
          <Device key={peer.id} peer={peer} now={now} />
        ))}
      </ul>
      {peers.length > SHOWN && <p className="detail">and {count(peers.length - SHOWN, 'more', 'more')}</p>}
    </section>
  );
}

function Device({ peer, now }: { readonly peer: Peer; readonly now: Date }): ReactNode {
  const { me } = useSession();
  const { name } = authorOf(peer, me);
  const person = peer.user?.name ?? peer.user?.id ?? 'Someone';
  return (
    <li className="device" data-testid="device" data-here={peer.here || undefined}>
      <Disc name={peer.here ? me.user.name : person} />
      <span className="device-text">
        <span className="device-name">
          {peer.device.name ?? 'A device without a name'}
          {peer.here && <span className="tag">this one</span>}
        </span>
        <span className="detail">
          {name} ·{' '}
          {peer.unsent ? (
            `${count(peer.unsent, 'change')} to send`
          ) : (
            <time dateTime={peer.lastSeenAt.toISOString()} title={exactly(peer.lastSeenAt)}>
              wrote {ago(peer.lastSeenAt, now)}
            </time>
          )}
        </span>
      </span>
    </li>
  );
}
