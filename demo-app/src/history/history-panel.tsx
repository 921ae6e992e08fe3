/** What something was before: beside it where there is space, else over it. It has an address, so going back closes it. */
import { History, X } from 'lucide-react';
import { useEffect, useRef, type ReactNode } from 'react';
import { Dialog, Modal, ModalOverlay } from 'react-aria-components';

import { useMedia } from '../ui/use-media.ts';

const BESIDE = '(min-width: 75rem)';

interface HistoryPanelProps {
  readonly onClose: () => void;
  readonly children: ReactNode;
}

export function HistoryPanel(props: HistoryPanelProps): ReactNode {
  return useMedia(BESIDE) ? <Beside {...props} /> : <Over {...props} />;
}

function Beside({ onClose, children }: HistoryPanelProps): ReactNode {
  const close = useRef<HTMLButtonElement>(null);
  useEffect(() => close.current?.focus(), []);
  return (
    <aside
      className="history"
      aria-label="History"
      data-testid="history-panel"
      onKeyDown={(event) => event.key === 'Escape' && onClose()}
    >
      <Head onClose={onClose} closeRef={close} />
      {children}
    </aside>
  );
}

function Over({ onClose, children }: HistoryPanelProps): ReactNode {
  return (
    <ModalOverlay className="overlay history-overlay" isDismissable isOpen onOpenChange={(open) => !open && onClose()}>
      <Modal className="history-sheet">
        <Dialog className="history" aria-label="History" data-testid="history-panel">
          <Head onClose={onClose} />
          {children}
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}

interface HeadProps {
  readonly onClose: () => void;
  readonly closeRef?: React.Ref<HTMLButtonElement>;
}

function Head({ onClose, closeRef }: HeadProps): ReactNode {
  return (
    <header className="history-head">
      <History aria-hidden />
      <h2>History</h2>
      <button ref={closeRef} type="button" className="icon-button" aria-label="Close the history" onClick={onClose}>
        <X aria-hidden />
      </button>
    </header>
  );
}
