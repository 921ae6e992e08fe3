/** Light, dark, or as the system has it. */
import { Monitor, Moon, Sun } from 'lucide-react';
import { useId, type ReactNode } from 'react';

import { setTheme, useTheme, type Theme } from './theme.ts';

const THEMES: readonly (readonly [Theme, string, ReactNode])[] = [
  ['system', 'System', <Monitor key="system" aria-hidden />],
  ['light', 'Light', <Sun key="light" aria-hidden />],
  ['dark', 'Dark', <Moon key="dark" aria-hidden />],
];

export function ThemeChoice(): ReactNode {
  const theme = useTheme();
  const id = useId();
  return (
    <div role="radiogroup" className="theme" aria-labelledby={`${id}-name`}>
      <span id={`${id}-name`}>Appearance</span>
      <div className="segments">
        {THEMES.map(([value, name, icon]) => (
          <label key={value} className="segment">
            <input
              type="radio"
              className="visually-hidden"
              name={id}
              checked={theme === value}
              onChange={() => setTheme(value)}
            />
            {icon} {name}
          </label>
        ))}
      </div>
    </div>
  );
}
