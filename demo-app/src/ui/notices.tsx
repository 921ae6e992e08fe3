/**
 * What the app says by itself: toasts that everyone sees, and a live region for those who listen. An error stays until it
 * is put away; nothing that fails is silent.
 */
import { SkerryError } from '@skerry/sdk';
import { CircleAlert, X } from 'lucide-react';
import { createContext, use, useMemo, useRef, useState, type ReactNode } from 'react';

export interface ToastAction {
  readonly label: string;
  run(): void;
}

export interface Notices {
  /** For those who listen; nothing is shown. */
  announce(text: string): void;
  toast(text: string, action?: ToastAction): void;
  /** For something that can be taken back: who listens hears in one sentence what happened and that it can be. */
  undoable(text: string, undo: () => void): void;
  /** Stays until the person puts it away or takes one of the ways out. */
  tell(text: string, actions: readonly ToastAction[]): void;
  /** `what` could not be done: 'The note could not be saved'. */
  failed(what: string, error: unknown): void;
}

interface Toast {
  readonly id: number;
  readonly text: string;
  readonly detail?: string;
  readonly actions: readonly ToastAction[];
  readonly isError: boolean;
  readonly stays: boolean;
  /** Those who listen have heard it otherwise. */
  readonly isSilent?: true;
}

const SHOWN_MS = 8000;
const NoticesContext = createContext<Notices | null>(null);

export function NoticesProvider(props: { readonly children: ReactNode }): ReactNode {
  const [toasts, setToasts] = useState<readonly Toast[]>([]);
  const [spoken, setSpoken] = useState({ text: '', turn: 0 });
  const nextId = useRef(1);

  const dismiss = (id: number): void => setToasts((shown) => shown.filter((toast) => toast.id !== id));
  const notices = useMemo((): Notices => {
    const show = (toast: Omit<Toast, 'id'>): void => {
      const id = nextId.current++;
      // The same again takes the place of the last one: a save that fails is tried with every key.
      setToasts((shown) => [...latest(shown.filter(({ text }) => text !== toast.text)), { ...toast, id }]);
      if (!toast.stays) setTimeout(() => dismiss(id), SHOWN_MS);
    };
    const announce = (text: string): void => setSpoken((last) => ({ text, turn: last.turn + 1 }));
    return {
      announce,
      toast: (text, action) => show({ text, actions: action ? [action] : [], isError: false, stays: false }),
      undoable: (text, undo) => {
        announce(`${text} Undo available.`);
        show({ text, actions: [{ label: 'Undo', run: undo }], isError: false, stays: false, isSilent: true });
      },
      tell: (text, actions) => show({ text, actions, isError: false, stays: true }),
      failed: (what, error) => show({ text: what, detail: reasonOf(error), actions: [], isError: true, stays: true }),
    };
  }, []);

  return (
    <NoticesContext value={notices}>
      {props.children}
      <div className="visually-hidden" role="status" data-testid="announcement">
        {/* A new element each time: the same words twice are said twice. */}
        <span key={spoken.turn}>{spoken.text}</span>
      </div>
      <div className="toasts" data-react-aria-top-layer="true">
        <div role="status">{toasts.filter(isSaid).map((toast) => toastBox(toast, dismiss))}</div>
        <div role="alert">{toasts.filter(({ isError }) => isError).map((toast) => toastBox(toast, dismiss))}</div>
        <div role="region" aria-label="Can be undone">
          {toasts.filter(({ isSilent }) => isSilent).map((toast) => toastBox(toast, dismiss))}
        </div>
      </div>
    </NoticesContext>
  );
}

export function useNotices(): Notices {
  const notices = use(NoticesContext);
  if (!notices) throw new Error('useNotices() outside of NoticesProvider');
  return notices;
}

function isSaid({ isError, isSilent }: Toast): boolean {
  return !isError && !isSilent;
}

/** What passes by itself gives way to what stays. */
function latest(shown: readonly Toast[]): readonly Toast[] {
  const given = shown.length <= 2 ? undefined : (shown.find(({ stays }) => !stays) ?? shown[0]);
  return shown.filter((toast) => toast !== given);
}

function toastBox(toast: Toast, dismiss: (id: number) => void): ReactNode {
  return (
    <div key={toast.id} className="toast" data-error={toast.isError || undefined} data-testid="toast">
      {toast.isError && <CircleAlert aria-hidden />}
      <div>
        <p>{toast.text}</p>
        {toast.detail && <p className="detail">{toast.detail}</p>}
      </div>
      {toast.actions.length > 0 && (
        <div className="toast-actions">
          {toast.actions.map((action) => (
            <button
              key={action.label}
              type="button"
              className="button quiet"
              data-testid="toast-action"
              data-label={action.label}
              onClick={() => {
                dismiss(toast.id);
                action.run();
              }}
            >
              {action.label}
            </button>
          ))}
        </div>
      )}
      <button type="button" className="icon-button" aria-label="Dismiss" onClick={() => dismiss(toast.id)}>
        <X aria-hidden />
      </button>
    </div>
  );
}

function reasonOf(error: unknown): string {
  if (error instanceof SkerryError) return `${error.message} ${error.hint ?? ''}`.trim();
  return error instanceof Error ? error.message : String(error);
}
