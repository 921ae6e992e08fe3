/**
 * Everything that waits for a person, in one list. J and K go through it, 1 to 4 take a choice of the one that has the
 * focus. After a decision the focus goes on to the next.
 */
import { CircleCheckBig } from 'lucide-react';
import { useEffect, useRef, type KeyboardEvent, type ReactNode } from 'react';

import { DoubleBookingCard } from '../calendar/double-booking-card.tsx';
import { useOverview } from '../data/overview.tsx';
import { ConflictCard } from './conflict-strip.tsx';

export function ConflictsPage(): ReactNode {
  const { conflicts, doubleBookings, toDecide } = useOverview();
  const list = useRef<HTMLUListElement>(null);
  const empty = useRef<HTMLDivElement>(null);
  const decidedAt = useRef<number | null>(null);

  const onDecided = (): void => {
    decidedAt.current = Math.max(
      0,
      itemsOf(list.current).findIndex((item) => item.contains(document.activeElement)),
    );
    moveOn();
  };
  const moveOn = (): void => {
    const items = itemsOf(list.current);
    const next = items[Math.min(decidedAt.current ?? 0, items.length - 1)] ?? empty.current;
    next?.focus();
  };
  useEffect(() => {
    if (decidedAt.current === null) return;
    moveOn();
    decidedAt.current = null;
  }, [toDecide]);

  if (toDecide === 0) return <NothingToDecide ref={empty} />;
  return (
    <div className="page conflicts">
      <p className="lead">Nothing here is urgent or lost. Every version is kept until one of you decides.</p>
      <ul ref={list} className="decisions" onKeyDown={onShortcut}>
        {conflicts.map((conflict) => (
          <li
            key={conflict.id}
            className="decision"
            data-testid="conflict-item"
            data-kind={conflict.kind}
            tabIndex={-1}
          >
            <ConflictCard conflict={conflict} namesRow onDecided={onDecided} />
          </li>
        ))}
        {doubleBookings.map((double) => (
          <li key={double.id} className="decision" data-testid="conflict-item" data-kind="double-booking" tabIndex={-1}>
            <DoubleBookingCard double={double} onDecided={onDecided} />
          </li>
        ))}
      </ul>
      <p className="hint wide-only">
        <kbd>J</kbd> <kbd>K</kbd> next and previous · <kbd>1</kbd>–<kbd>4</kbd> choose
      </p>
    </div>
  );
}

function NothingToDecide(props: { readonly ref: React.Ref<HTMLDivElement> }): ReactNode {
  return (
    <div ref={props.ref} className="blank" tabIndex={-1}>
      <CircleCheckBig aria-hidden />
      <p>Nothing to decide.</p>
      <p className="detail">What can be merged is merged by itself. What needs a person will be here.</p>
    </div>
  );
}

function onShortcut(event: KeyboardEvent<HTMLUListElement>): void {
  const target = event.target;
  const isTyping = target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement;
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  const items = itemsOf(event.currentTarget);
  const current = items.findIndex((item) => item.contains(document.activeElement));
  const step = { j: 1, k: -1 }[event.key.toLowerCase()];
  if (step !== undefined) items[Math.min(Math.max(current + step, 0), items.length - 1)]?.focus();
  if (/^[1-4]$/.test(event.key)) choicesOf(items[current])[Number(event.key) - 1]?.click();
}

function itemsOf(list: HTMLElement | null): readonly HTMLElement[] {
  return list ? [...list.querySelectorAll<HTMLElement>(':scope > li')] : [];
}

function choicesOf(item: HTMLElement | undefined): readonly HTMLElement[] {
  return item
    ? [...item.querySelectorAll<HTMLElement>('[data-testid="keep-version"], [data-testid="suggestion"]')]
    : [];
}
