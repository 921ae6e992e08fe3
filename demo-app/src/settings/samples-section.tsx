/** Something to look around in, for who has nothing yet, and the way to be rid of it. */
import { Gauge, Sparkles, Trash2 } from 'lucide-react';
import { useState, type ReactNode } from 'react';

import { useSession } from '../data/session.tsx';
import { useAttempt } from '../data/use-attempt.ts';
import { addManyNotes, MANY_NOTES, removeSamples, SAMPLE_NOTES } from '../samples/samples.ts';
import { useAddSamples } from '../samples/use-add-samples.ts';
import { useNotices } from '../ui/notices.tsx';
import { SettingsSection } from './settings-section.tsx';

export function SamplesSection(): ReactNode {
  const { db } = useSession();
  const attempt = useAttempt();
  const notices = useNotices();
  const addSamples = useAddSamples();
  const [isBusy, setBusy] = useState(false);

  const run = (failure: string, work: () => Promise<void>): void => {
    setBusy(true);
    void attempt(failure, work).finally(() => setBusy(false));
  };
  const addMany = (): void =>
    run('The notes could not be added', async () => {
      await addManyNotes(db, new Date());
      notices.toast(`There are ${MANY_NOTES.toLocaleString('en')} sample notes now.`);
    });
  const remove = (): void =>
    run('The samples could not be removed', async () => {
      const { removed, kept, undo } = await removeSamples(db);
      const stayed = kept === 0 ? '' : ` ${kept} that somebody had edited stayed.`;
      if (removed === 0) return notices.toast(`There is no sample to remove.${stayed}`);
      notices.toast(`Removed ${removed} samples.${stayed}`, {
        label: 'Undo',
        run: () => run('The samples could not be brought back', undo),
      });
    });

  return (
    <SettingsSection
      title="Samples"
      lead="Everyone in this space sees them. Removing takes them away for everyone, except for those that somebody edited."
    >
      <div className="settings-actions">
        <button type="button" className="button" data-testid="add-samples" disabled={isBusy} onClick={addSamples}>
          <Sparkles aria-hidden /> Add {SAMPLE_NOTES} notes and a quarter of meetings
        </button>
        <button type="button" className="button" disabled={isBusy} onClick={addMany}>
          <Gauge aria-hidden /> Fill up to {MANY_NOTES.toLocaleString('en')} notes
        </button>
        <button
          type="button"
          className="button quiet danger"
          data-testid="remove-samples"
          disabled={isBusy}
          onClick={remove}
        >
          <Trash2 aria-hidden /> Remove the samples
        </button>
      </div>
      <p className="detail" role="status">
        {isBusy && 'This takes a moment…'}
      </p>
    </SettingsSection>
  );
}
