/** Who sits here, light or dark, and windows for other people to try things with. */
import { AppWindow, Monitor, Moon, Rows2, Sun } from 'lucide-react';
import type { ReactNode } from 'react';
import { Label, Radio, RadioGroup } from 'react-aria-components';

import { addressOf } from '../data/identity.ts';
import { useSession } from '../data/session.tsx';
import { addressOfScenario } from '../playground/address.ts';
import { Disc } from '../ui/byline.tsx';
import { setTheme, useTheme, type Theme } from './theme.ts';

const MENU_ID = 'account-menu';
const THEMES: readonly (readonly [Theme, string, ReactNode])[] = [
  ['system', 'System', <Monitor key="system" aria-hidden />],
  ['light', 'Light', <Sun key="light" aria-hidden />],
  ['dark', 'Dark', <Moon key="dark" aria-hidden />],
];
const OTHERS = [
  ['anna', 'Anna', "Anna's phone"],
  ['bruno', 'Bruno', "Bruno's laptop"],
] as const;

export function AccountMenu(): ReactNode {
  const { me } = useSession();
  const theme = useTheme();
  return (
    <>
      <button
        type="button"
        className="account"
        popoverTarget={MENU_ID}
        aria-haspopup="dialog"
        aria-label={`${me.user.name}, ${me.device.name}`}
      >
        <Disc name={me.user.name} />
        <span className="account-text" aria-hidden>
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
        <RadioGroup className="theme" value={theme} onChange={(value) => setTheme(value as Theme)}>
          <Label>Appearance</Label>
          <div className="segments">
            {THEMES.map(([value, name, icon]) => (
              <Radio key={value} value={value} className="segment">
                {icon} {name}
              </Radio>
            ))}
          </div>
        </RadioGroup>
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
      </div>
    </>
  );
}
