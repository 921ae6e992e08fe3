/** How much is stored here, whether the browser keeps it, and a copy of it as a file. */
import { useValue } from '@skerry/sdk/react';
import { Download, ShieldCheck, TriangleAlert } from 'lucide-react';
import { useState, type ReactNode } from 'react';

import { useSession } from '../data/session.tsx';
import { useAttempt } from '../data/use-attempt.ts';
import { dangerText, protectionText, usageText } from './storage-words.ts';

export function StorageSection(): ReactNode {
  const { db } = useSession();
  const storage = useValue(db.storage$);
  const attempt = useAttempt();
  const [answer, setAnswer] = useState('');
  const danger = dangerText(storage);
  const used = usageText(storage);

  const protect = (): void =>
    void attempt('The browser could not be asked', async () => {
      setAnswer(
        (await db.requestPersistence())
          ? 'The browser keeps what is stored here.'
          : 'The browser does not promise it yet. Installing the app, or visiting it often, helps.',
      );
    });

  const backUp = (): void =>
    void attempt('The backup could not be made', async () => {
      const { saveBackup } = await import('../settings/save-backup.ts');
      await saveBackup(db);
      setAnswer('The backup is among your downloads.');
    });

  return (
    <section className="panel-section" aria-label="On this device" data-testid="storage">
      <h3>On this device</h3>
      {danger !== null && (
        <p className="danger-note" role="alert" data-level={storage.risk.level}>
          <TriangleAlert aria-hidden /> <span>{danger}</span>
        </p>
      )}
      <dl className="times">
        {used !== null && (
          <div>
            <dt>Used</dt>
            <dd>{used}</dd>
          </div>
        )}
        <div>
          <dt>Protected</dt>
          <dd>
            <span className="protection">{protectionText(storage.persisted)}</span>
            {storage.persisted !== true && (
              <button type="button" className="button small" data-testid="protect-storage" onClick={protect}>
                <ShieldCheck aria-hidden /> Protect
              </button>
            )}
          </dd>
        </div>
        <div>
          <dt>Backup</dt>
          <dd>
            <span className="protection">All notes and events as one file</span>
            <button type="button" className="button small" data-testid="back-up" onClick={backUp}>
              <Download aria-hidden /> Back up
            </button>
          </dd>
        </div>
      </dl>
      {/* Here and not as a notice: the panel may lie over those. */}
      <p className="detail" role="status">
        {answer}
      </p>
    </section>
  );
}
