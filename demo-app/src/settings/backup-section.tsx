/** How safe what is stored here is, and the way back from a backup. */
import { Upload } from 'lucide-react';
import { useRef, useState, type ChangeEvent, type ReactNode } from 'react';

import { useSession } from '../data/session.tsx';
import { useAttempt } from '../data/use-attempt.ts';
import { StorageSection } from '../sync-status/storage-section.tsx';
import { readBackup, restoreBackup, restoredText } from './backup.ts';
import { SettingsSection } from './settings-section.tsx';

export function BackupSection(): ReactNode {
  const { db } = useSession();
  const attempt = useAttempt();
  const [outcome, setOutcome] = useState<{ readonly text: string; readonly isWrong: boolean } | null>(null);
  const input = useRef<HTMLInputElement>(null);

  const restore = (event: ChangeEvent<HTMLInputElement>): void =>
    void attempt('The backup could not be brought back', async () => {
      const file = event.target.files?.[0];
      // The same file can be chosen again.
      event.target.value = '';
      if (!file) return;
      const backup = readBackup(await file.text());
      if ('wrong' in backup) return setOutcome({ text: backup.wrong, isWrong: true });
      setOutcome({ text: restoredText(await restoreBackup(db, backup)), isWrong: false });
    });

  return (
    <SettingsSection
      title="Storage"
      lead="A backup is one file with all notes and events. Bringing it back adds what is missing here and changes nothing else."
    >
      <StorageSection />
      <div className="settings-actions">
        <button type="button" className="button" onClick={() => input.current?.click()}>
          <Upload aria-hidden /> Bring back a backup
        </button>
        <input
          ref={input}
          type="file"
          accept=".json,application/json"
          hidden
          data-testid="backup-file"
          onChange={restore}
        />
      </div>
      <p className={outcome?.isWrong ? 'field-error' : 'detail'} role="status" data-testid="backup-outcome">
        {outcome?.text}
      </p>
    </SettingsSection>
  );
}
