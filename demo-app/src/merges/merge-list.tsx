/** What was merged without asking anybody, with the way to what each of them wrote. */
import { GitMerge } from 'lucide-react';
import type { ReactNode } from 'react';

import { RowName } from '../conflicts/row-name.tsx';
import { useSession } from '../data/session.tsx';
import { formatRoute } from '../shell/route.ts';
import { ago, count, exactly } from '../ui/relative-time.ts';
import { useNow } from '../ui/use-now.ts';
import type { Merge } from './merge-log.ts';

const SHOWN = 20;

export function MergeList({ merges }: { readonly merges: readonly Merge[] }): ReactNode {
  const now = useNow(30_000);
  if (merges.length === 0) return null;
  return (
    <section className="merges" aria-labelledby="merges-title" data-testid="merges">
      <h2 id="merges-title">
        <GitMerge aria-hidden /> Merged automatically
      </h2>
      <p className="detail">Edits of the last week that met in one note and went together without a question.</p>
      <ul>
        {merges.slice(0, SHOWN).map((merge) => (
          <li key={`${merge.noteId} ${merge.edit}`} data-testid="merge">
            <RowName collection="notes" rowId={merge.noteId} />
            <span className="detail">
              <People merge={merge} /> ·{' '}
              <time dateTime={new Date(merge.at).toISOString()} title={exactly(new Date(merge.at))}>
                {ago(new Date(merge.at), now)}
              </time>{' '}
              · <a href={formatRoute({ page: 'notes', noteId: merge.noteId, view: 'history' })}>who wrote what</a>
            </span>
          </li>
        ))}
      </ul>
      {merges.length > SHOWN && <p className="detail">and {count(merges.length - SHOWN, 'more', 'more')}</p>}
    </section>
  );
}

/** 'You and Bruno'; two devices of one person are one person. */
function People({ merge }: { readonly merge: Merge }): ReactNode {
  const { me } = useSession();
  const names = merge.people
    .map(({ id, name }) => (id === me.user.id ? 'You' : name))
    .toSorted((a, b) => Number(b === 'You') - Number(a === 'You'));
  if (names.length === 0) return 'Several people';
  return names.length === 1 ? `${names[0]}, on two devices` : names.join(' and ');
}
