/** How much is stored here, and whether the browser keeps it. */
import { useValue } from '@skerry/sdk/react';
import { ShieldCheck, TriangleAlert } from 'lucide-react';
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
      </dl>
      {/* Here and not as a notice: the panel may lie over those. */}
      <p className="detail" role="status">
        {answer}
      </p>
    </section>
  );
}
