/**
 * The playground: real devices side by side, on which a visitor sees what happens when several people write at once. It is
 * loaded on demand and opens no database of its own.
 */
import { Moon, Sun } from 'lucide-react';
import { StrictMode, useEffect, useState, useSyncExternalStore, type ReactNode } from 'react';
import { createRoot } from 'react-dom/client';

import { Logo } from '../shell/logo.tsx';
import { setTheme, useTheme } from '../shell/theme.ts';
import { useMedia } from '../ui/use-media.ts';
import { addressOfScenario, scenarioIn } from './address.ts';
import { removeLeftovers } from './leftovers.ts';
import { SCENARIOS } from './scenarios/index.ts';
import { Stage } from './stage.tsx';
import './playground.css';

const FREE = 'free';

/** `page`: another one each time. */
export function showPlayground(container: HTMLElement, page: string): void {
  // What is left behind costs space and nothing else.
  removeLeftovers(page).catch((error: unknown) => console.info('Earlier runs are still stored:', error));
  createRoot(container).render(
    <StrictMode>
      <Playground page={page} />
    </StrictMode>,
  );
}

function Playground({ page }: { readonly page: string }): ReactNode {
  const wanted = scenarioIn(useSyncExternalStore(onHash, () => location.hash));
  const known = SCENARIOS.find(({ id }) => id === wanted);
  const scenario = known ?? (wanted === FREE ? null : SCENARIOS[0]!);
  const [run, setRun] = useState(1);
  const title = scenario?.title ?? 'Free play';
  useEffect(() => {
    document.title = `${title} · Skerry playground`;
  }, [title]);
  return (
    <div className="playground">
      <a className="skip-link" href={location.hash} onClick={focusMain}>
        Skip to the devices
      </a>
      <header className="playground-bar">
        <Logo />
        <h1>Playground</h1>
        <p className="detail">
          Every device below is the real app with a database of its own. All of them lead; the server only passes on.
        </p>
        <ThemeButton />
        <a className="button" href="./" target="_blank" rel="noreferrer">
          Open the app
        </a>
      </header>
      <nav className="scenarios" aria-label="Scenarios">
        <ul>
          {[...SCENARIOS, { id: FREE, title: 'Free play' }].map(({ id, title: name }) => (
            <li key={id}>
              <a href={addressOfScenario(id)} aria-current={id === (scenario?.id ?? FREE) ? 'page' : undefined}>
                {name}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <main id="main" tabIndex={-1}>
        {wanted !== '' && wanted !== FREE && !known && (
          <p className="danger-note" role="status">
            There is no scenario ‘{wanted}’; this is the first one.
          </p>
        )}
        <Stage key={`${scenario?.id ?? FREE}/${run}`} scenario={scenario} page={page} onAgain={() => setRun(run + 1)} />
      </main>
    </div>
  );
}

function ThemeButton(): ReactNode {
  const theme = useTheme();
  const isSystemDark = useMedia('(prefers-color-scheme: dark)');
  const isDark = theme === 'dark' || (theme === 'system' && isSystemDark);
  const other = isDark ? 'light' : 'dark';
  return (
    <button
      type="button"
      className="icon-button"
      aria-label={`Switch to ${other}`}
      title={`Switch to ${other}`}
      onClick={() => setTheme(other)}
    >
      {isDark ? <Sun aria-hidden /> : <Moon aria-hidden />}
    </button>
  );
}

function onHash(onChange: () => void): () => void {
  window.addEventListener('hashchange', onChange);
  return () => window.removeEventListener('hashchange', onChange);
}

/** The hash of the address says which scenario it is, so the link moves the focus by itself. */
function focusMain(event: React.MouseEvent): void {
  event.preventDefault();
  document.getElementById('main')?.focus();
}
