/** Light, dark, or as the system has it. */
import { Monitor, Moon, Sun } from 'lucide-react';
import type { ReactNode } from 'react';
import { Label, Radio, RadioGroup } from 'react-aria-components';

import { setTheme, useTheme, type Theme } from './theme.ts';

const THEMES: readonly (readonly [Theme, string, ReactNode])[] = [
  ['system', 'System', <Monitor key="system" aria-hidden />],
  ['light', 'Light', <Sun key="light" aria-hidden />],
  ['dark', 'Dark', <Moon key="dark" aria-hidden />],
];

export function ThemeChoice(): ReactNode {
  const theme = useTheme();
  return (
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
  );
}
