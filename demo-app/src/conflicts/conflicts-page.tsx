/**
 * Everything that waits for a person, in one list. J and K go through it, 1 to 4 take a choice of the one that has the
 * focus, U takes the last decision back. After a decision the focus goes on to the next.
 */
import { CircleCheckBig, ListChecks } from 'lucide-react';
import { lazy, Suspense, useEffect, useMemo, useRef, useState, type KeyboardEvent, type ReactNode } from 'react';

import { DoubleBookingCard } from '../calendar/double-booking-card.tsx';
import { useOverview } from '../data/overview.tsx';
import { useSession } from '../data/session.tsx';
import { MergeList } from '../merges/merge-list.tsx';
import { mergesText, useMerges, type Merge } from '../merges/merge-log.ts';
import { facetsOf, itemsIn, type Facet, type ToDecide } from './conflict-filter.ts';
import { ConflictCard } from './conflict-strip.tsx';

const BulkDialog = lazy(async () => ({ default: (await import('./bulk-dialog.tsx')).BulkDialog }));

/** As many of them are decided sooner one by one. */
const FEW = 2;

export function ConflictsPage(): ReactNode {
  const { conflicts, doubleBookings, toDecide } = useOverview();
  const { me, merges: log } = useSession();
  const merges = useMerges(log);
  const [facet, setFacet] = useState<string | null>(null);
  const [isBulkOpen, setBulkOpen] = useState(false);
  const list = useRef<HTMLUListElement>(null);
  const empty = useRef<HTMLDivElement>(null);
  const decidedAt = useRef<number | null>(null);

  const all = useMemo(
    (): readonly ToDecide[] => [
      ...conflicts.map((conflict) => ({ id: conflict.id, conflict })),
      ...doubleBookings.map((double) => ({ id: double.id, double })),
    ],
    [conflicts, doubleBookings],
  );
  const facets = facetsOf(all, me);
  // The last one that a facet showed may have been decided.
  const chosen = facets.some(({ key }) => key === facet) ? facet : null;
  const items = itemsIn(all, chosen, me);
  const several = items.flatMap(({ conflict }) => conflict ?? []);

  const onDecided = (): void => {
    decidedAt.current = Math.max(
      0,
      itemsOf(list.current).findIndex((item) => item.contains(document.activeElement)),
    );
    moveOn();
  };
  const moveOn = (): void => {
    const shown = itemsOf(list.current);
    const next = shown[Math.min(decidedAt.current ?? 0, shown.length - 1)] ?? empty.current;
    next?.focus();
  };
  useEffect(() => {
    if (decidedAt.current === null) return;
    moveOn();
    decidedAt.current = null;
  }, [toDecide]);

  return (
    <>
      {toDecide === 0 ? (
        <NothingToDecide ref={empty} merges={merges} />
      ) : (
        <div className="page conflicts">
          <p className="lead">Nothing here is urgent or lost. Every version is kept until one of you decides.</p>
          <div className="conflict-tools">
            {facets.length > 0 && <Facets facets={facets} all={all.length} chosen={chosen} onChoose={setFacet} />}
            {several.length > FEW && (
              <button type="button" className="button" data-testid="decide-several" onClick={() => setBulkOpen(true)}>
                <ListChecks aria-hidden /> Decide several…
              </button>
            )}
          </div>
          <ul ref={list} className="decisions" onKeyDown={onShortcut}>
            {items.map(({ id, conflict, double }) => (
              <li
                key={id}
                className="decision"
                data-testid="conflict-item"
                data-kind={conflict?.kind ?? 'double-booking'}
                tabIndex={-1}
              >
                {conflict && <ConflictCard conflict={conflict} namesRow onDecided={onDecided} />}
                {double && <DoubleBookingCard double={double} onDecided={onDecided} />}
              </li>
            ))}
          </ul>
          <p className="hint wide-only">
            <kbd>J</kbd> <kbd>K</kbd> next and previous · <kbd>1</kbd>–<kbd>4</kbd> choose · <kbd>U</kbd> undo
          </p>
          <MergeList merges={merges} />
        </div>
      )}
      {isBulkOpen && (
        <Suspense>
          <BulkDialog
            conflicts={several}
            onClose={() => {
              setBulkOpen(false);
              decidedAt.current = 0;
              moveOn();
            }}
          />
        </Suspense>
      )}
    </>
  );
}

interface FacetsProps {
  readonly facets: readonly Facet[];
  readonly all: number;
  readonly chosen: string | null;
  readonly onChoose: (key: string | null) => void;
}

function Facets({ facets, all, chosen, onChoose }: FacetsProps): ReactNode {
  const chips = [{ key: null, label: 'All', count: all }, ...facets];
  return (
    <div className="facets" role="group" aria-label="Only some of them">
      {chips.map(({ key, label, count }) => (
        <button
          key={key ?? ''}
          type="button"
          className="chip"
          data-testid="conflict-facet"
          aria-pressed={chosen === key}
          onClick={() => onChoose(key)}
        >
          {label} <span className="chip-count">{count}</span>
        </button>
      ))}
    </div>
  );
}

interface NothingProps {
  readonly ref: React.Ref<HTMLDivElement>;
  readonly merges: readonly Merge[];
}

function NothingToDecide({ ref, merges }: NothingProps): ReactNode {
  return (
    <div className="page conflicts nothing-to-decide">
      <div ref={ref} className="blank" tabIndex={-1} onKeyDown={onUndo}>
        <CircleCheckBig aria-hidden />
        <p>Nothing to decide. {mergesText(merges)}</p>
        <p className="detail">What can be merged is merged by itself. What needs a person will be here.</p>
      </div>
      <MergeList merges={merges} />
    </div>
  );
}

function onShortcut(event: KeyboardEvent<HTMLUListElement>): void {
  if (isTyping(event)) return;
  const items = itemsOf(event.currentTarget);
  const current = items.findIndex((item) => item.contains(document.activeElement));
  const step = { j: 1, k: -1 }[event.key.toLowerCase()];
  if (step !== undefined) items[Math.min(Math.max(current + step, 0), items.length - 1)]?.focus();
  if (/^[1-4]$/.test(event.key)) choicesOf(items[current])[Number(event.key) - 1]?.click();
  onUndo(event);
}

/** Presses the latest undo that is offered. */
function onUndo(event: KeyboardEvent): void {
  if (isTyping(event) || event.key.toLowerCase() !== 'u') return;
  const offered = document.querySelectorAll<HTMLElement>('[data-testid="toast-action"][data-label="Undo"]');
  [...offered].at(-1)?.click();
}

function isTyping({ target, ctrlKey, metaKey, altKey }: KeyboardEvent): boolean {
  const isField = target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement;
  return isField || ctrlKey || metaKey || altKey;
}

function itemsOf(list: HTMLElement | null): readonly HTMLElement[] {
  return list ? [...list.querySelectorAll<HTMLElement>(':scope > li')] : [];
}

function choicesOf(item: HTMLElement | undefined): readonly HTMLElement[] {
  return item
    ? [...item.querySelectorAll<HTMLElement>('[data-testid="keep-version"], [data-testid="suggestion"]')]
    : [];
}
