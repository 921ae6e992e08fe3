/** Who sits here, light or dark, and windows for other people to try things with. */
import { AppWindow, Rows2, Settings } from 'lucide-react';
import type { ReactNode } from 'react';

import { addressOf } from '../data/identity.ts';
import { useSession } from '../data/session.tsx';
import { addressOfScenario } from '../playground/address.ts';
import { Disc } from '../ui/byline.tsx';
import { formatRoute } from './route.ts';
import { ThemeChoice } from './theme-choice.tsx';

const MENU_ID = 'account-menu';
const OTHERS = [
  ['anna', 'Anna', "Anna's phone"],
  ['bruno', 'Bruno', "Bruno's laptop"],
] as const;

export function AccountMenu(): ReactNode {
  const { me } = useSession();
  return (
    <>
      <button type="button" className="account" popoverTarget={MENU_ID} aria-haspopup="dialog">
        <Disc name={me.user.name} />
        <span className="account-text">
          <strong>{me.user.name}</strong>
          <span className="detail">{me.device.name}</span>
        </span>
      </button>
      <div id={MENU_ID} popover="auto" role="dialog" aria-label="You and this window" className="panel account-panel">
        <div className="account-head">
          <Disc name={me.user.name} />
          <p>
            <strong>{me.user.name}</strong>
            <span className="detail">{me.device.name}</span>
          </p>
        </div>
        <ThemeChoice />
        <p className="panel-label">Open a window as someone else</p>
        <ul className="other-people">
          {OTHERS.filter(([id]) => id !== me.user.id).map(([id, name, device]) => (
            <li key={id}>
              <a className="button" href={addressOf(id, device, me.space)} target="_blank" rel="noreferrer">
                <AppWindow aria-hidden /> {name} · {device}
              </a>
            </li>
          ))}
          <li>
            <a
              className="button"
              href={`./${addressOfScenario('')}`}
              target="_blank"
              rel="noreferrer"
              data-testid="open-playground"
            >
              <Rows2 aria-hidden /> Playground: several devices in one window
            </a>
          </li>
        </ul>
        <a
          className="button quiet"
          href={formatRoute({ page: 'settings' })}
          onClick={() => document.getElementById(MENU_ID)?.hidePopover()}
        >
          <Settings aria-hidden /> Settings
        </a>
      </div>
    </>
  );
}
