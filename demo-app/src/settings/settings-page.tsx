/** What one sets once and looks up rarely: names, server, storage and copies of it, looks, samples. */
import type { ReactNode } from 'react';

import { ThemeChoice } from '../shell/theme-choice.tsx';
import { BackupSection } from './backup-section.tsx';
import { CheckSection } from './check-section.tsx';
import { NamesSection } from './names-section.tsx';
import { SamplesSection } from './samples-section.tsx';
import { SettingsSection } from './settings-section.tsx';
import { ServerSection } from './server-section.tsx';

export function SettingsPage(): ReactNode {
  return (
    <div className="page settings">
      <NamesSection />
      <ServerSection />
      <BackupSection />
      <SettingsSection title="Looks">
        <ThemeChoice />
      </SettingsSection>
      <SamplesSection />
      <CheckSection />
    </div>
  );
}
