/** For when something looks wrong: whether what is stored holds together, and a report for who looks for the fault. */
import { FileText, ShieldCheck } from 'lucide-react';
import { useState, type ReactNode } from 'react';

import { useSession } from '../data/session.tsx';
import { useAttempt } from '../data/use-attempt.ts';
import { fileName, saveFile } from './save-file.ts';
import { SettingsSection } from './settings-section.tsx';

export function CheckSection(): ReactNode {
  const { db } = useSession();
  const attempt = useAttempt();
  const [outcome, setOutcome] = useState('');
  const [isRedacted, setRedacted] = useState(true);

  const check = (): void =>
    void attempt('What is stored here could not be checked', async () => {
      const report = await db.debug.verify({
        onProgress: ({ done, total }) => setOutcome(`Looking at ${done} of ${total}…`),
      });
      const { length } = report.differences;
      setOutcome(
        report.isSound
          ? 'Everything that is stored here holds together.'
          : `${length === 1 ? 'One thing does' : `${length} things do`} not hold together. Save a report for who maintains this app.`,
      );
    });
  const saveReport = (): void =>
    void attempt('The report could not be made', async () => {
      saveFile(await db.debug.export({ redact: isRedacted }), fileName('report', new Date()));
      setOutcome('The report is among your downloads.');
    });

  return (
    <SettingsSection title="Trouble" lead="When something looks wrong. Neither of these changes anything.">
      <div className="settings-actions">
        <button type="button" className="button" data-testid="verify" onClick={check}>
          <ShieldCheck aria-hidden /> Check what is stored
        </button>
        <button type="button" className="button" data-testid="save-report" onClick={saveReport}>
          <FileText aria-hidden /> Save a report
        </button>
      </div>
      <label className="check">
        <input type="checkbox" checked={isRedacted} onChange={(event) => setRedacted(event.target.checked)} />
        Leave out names and everything that was written
      </label>
      <p className="detail" role="status" data-testid="check-outcome">
        {outcome}
      </p>
    </SettingsSection>
  );
}
