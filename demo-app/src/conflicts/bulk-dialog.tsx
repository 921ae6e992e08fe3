/** Many conflicts decided by one rule: what each would be is shown before, and each can be left out. */
import type { Commit } from '@skerry/sdk';
import { Check, X } from 'lucide-react';
import { useId, useState, type FormEvent, type ReactNode } from 'react';
import { Dialog, Heading, Label, Modal, ModalOverlay, Radio, RadioGroup } from 'react-aria-components';

import { useOverview, type RowConflict } from '../data/overview.tsx';
import { useSession } from '../data/session.tsx';
import { useAttempt } from '../data/use-attempt.ts';
import { useNotices } from '../ui/notices.tsx';
import { planOf, rulesFor, type BulkItem, type BulkVersion } from './bulk.ts';
import { RowName } from './row-name.tsx';
import { leftText } from './use-decide.ts';

interface BulkDialogProps {
  readonly conflicts: readonly RowConflict[];
  readonly onClose: () => void;
}

export function BulkDialog({ conflicts, onClose }: BulkDialogProps): ReactNode {
  const { me } = useSession();
  const { toDecide } = useOverview();
  const attempt = useAttempt();
  const notices = useNotices();
  const [label, setLabel] = useState<string | null>(null);
  const [leftOut, setLeftOut] = useState<ReadonlySet<string>>(new Set());
  const [isBusy, setBusy] = useState(false);

  const rules = rulesFor(conflicts, me);
  const rule = rules.find((one) => one.label === label) ?? rules[0]!;
  const plan = planOf(conflicts, rule, me);
  const taken = plan.filter(({ conflict }) => !leftOut.has(conflict.id));
  const open = conflicts.length - plan.length;

  const toggle = (id: string): void =>
    setLeftOut((ids) => (ids.has(id) ? new Set([...ids].filter((other) => other !== id)) : new Set([...ids, id])));

  const undoAll = async (decisions: readonly Commit<void>[]): Promise<void> => {
    for (const decision of decisions.toReversed()) await decision.undo();
  };
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    const decisions: Commit<void>[] = [];
    // One that somebody else has decided meanwhile is told, and the others go on.
    for (const item of taken)
      await attempt(`The ${item.subject} could not be decided`, async () => void decisions.push(await item.decide()));
    notices.undoable(
      `Decided ${decisions.length} (${rule.label}). ${leftText(toDecide - decisions.length)}`,
      () => void attempt('Not everything could be undone', () => undoAll(decisions)),
    );
    onClose();
  };

  return (
    <ModalOverlay className="overlay" isDismissable isOpen onOpenChange={(isOpen) => !isOpen && onClose()}>
      <Modal className="modal">
        <Dialog className="dialog">
          <header className="dialog-head">
            <Heading slot="title">Decide several</Heading>
            <button type="button" className="icon-button" aria-label="Close" onClick={onClose}>
              <X aria-hidden />
            </button>
          </header>
          <form className="bulk" onSubmit={(event) => void submit(event)}>
            <RadioGroup className="theme" value={rule.label} onChange={setLabel}>
              <Label>For each of them</Label>
              <div className="segments wrap">
                {rules.map((one) => (
                  <Radio key={one.label} value={one.label} className="segment" data-testid="bulk-rule">
                    {one.label}
                  </Radio>
                ))}
              </div>
            </RadioGroup>
            <ul className="bulk-plan" aria-label="What will be decided">
              {plan.map((item) => (
                <PlanItem
                  key={item.conflict.id}
                  item={item}
                  isTaken={!leftOut.has(item.conflict.id)}
                  onToggle={() => toggle(item.conflict.id)}
                />
              ))}
            </ul>
            {open > 0 && (
              <p className="detail">
                {open === 1
                  ? 'One stays open: there is no such version of it.'
                  : `${open} stay open: there is no such version of them.`}
              </p>
            )}
            <footer className="dialog-foot">
              <button type="button" className="button" onClick={onClose}>
                Close
              </button>
              <button
                type="submit"
                className="button primary"
                data-testid="bulk-decide"
                disabled={isBusy || taken.length === 0}
              >
                Decide {taken.length}
              </button>
            </footer>
          </form>
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}

interface PlanItemProps {
  readonly item: BulkItem;
  readonly isTaken: boolean;
  readonly onToggle: () => void;
}

function PlanItem({ item, isTaken, onToggle }: PlanItemProps): ReactNode {
  const id = useId();
  const { conflict, subject, kept, instead } = item;
  return (
    <li className="bulk-item" data-testid="bulk-item" data-left-out={!isTaken || undefined}>
      <input type="checkbox" checked={isTaken} aria-labelledby={id} onChange={onToggle} />
      <div>
        <p id={id} className="bulk-name">
          The {subject}
          {conflict.kind === 'field' && ' of'} <RowName collection={conflict.collection} rowId={conflict.rowId} />
        </p>
        <p>
          <Check aria-hidden /> <Told version={kept} />
        </p>
        {instead.map((version, index) => (
          <p key={index} className="detail">
            not <Told version={version} />
          </p>
        ))}
      </div>
    </li>
  );
}

const LONGEST = 120;

function Told({ version }: { readonly version: BulkVersion }): ReactNode {
  const { author, text } = version;
  const words = text.length > LONGEST ? `${text.slice(0, LONGEST).trimEnd()}…` : text;
  return (
    <>
      ‘{words.trim() || 'Empty'}’{' '}
      <span className="detail">
        ({author.name}, {author.device})
      </span>
    </>
  );
}
