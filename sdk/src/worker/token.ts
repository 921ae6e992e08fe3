/**
 * The token that a device shows to its server, and whom to ask for another one.
 *
 * It promises: the app's function is asked one question at a time and never in a hot loop, also when what it gives is
 * refused again; one that throws, never answers or gives nothing is told, and asked again with the next attempt.
 */
import { BACKOFF, backoffMs } from '../session/backoff.ts';
import type { Problem, SyncState } from '../session/sync-state.ts';
import type { Clock } from './clock.ts';
import { messageOf } from './problem.ts';

export type TokenReason = 'start' | 'expired' | 'denied';
export type TokenFunction = (why: TokenReason) => Promise<string | null>;

/** Most time for the app's function. */
export const TOKEN_MS = 30_000;
/** The page whose context syncs asks first; another one after so long, when nothing came of it. */
export const OTHER_PAGE_MS = 5_000;

export interface TokenKeeper {
  /** What the next host starts with. */
  readonly token: string | null;
  /** Asks for the first one. Resolves also when there is none, after TOKEN_MS in any case. */
  start(): Promise<void>;
  /**
   * For a request beside the link. `refused`: one that was not taken; null when there is no other. One question is asked at a time
   * all the same.
   */
  get(refused?: string | null): Promise<string | null>;
  /** Hears every state of the link, and gives it back with the reason that people need. */
  hear(state: SyncState): SyncState;
  /** Whether this page's own context syncs. */
  leads(here: boolean): void;
  stop(): void;
}

export interface TokenKeeperOptions {
  readonly source: string | TokenFunction | undefined;
  readonly clock: Clock;
  readonly fraction: () => number;
  /** A new token: the link tries it at once. */
  onToken(token: string): void;
  /** There is none to be had. `state`: what is to be shown; null before anything was reported. */
  onProblem(problem: Problem, state: SyncState | null, cause: unknown): void;
}

export function createTokenKeeper(options: TokenKeeperOptions): TokenKeeper {
  const { source, clock, fraction } = options;
  let token = typeof source === 'string' ? source : null;
  let shown: SyncState | null = null;
  let problem: Problem | null = null;
  /** The attempt after the refusal that was heard last: each refusal plans another one. */
  let refusal: number | null = null;
  /** Since it was given, the server has let this device in. */
  let hasWorked = false;
  /** Tokens in a row that led to nothing. */
  let denials = 0;
  let isHere = false;
  let isAsking = false;
  let starting: Promise<void> = Promise.resolve();
  let renewing: Promise<void> | null = null;
  let cancel: (() => void) | null = null;
  let isOver = false;

  function hear(state: SyncState): SyncState {
    shown = state;
    if (state.connection === 'online') welcomed();
    if (state.connection !== 'auth-required') return state;
    if (state.nextAttemptAt !== null && state.nextAttemptAt !== refusal) {
      refusal = state.nextAttemptAt;
      refused();
    }
    return problem === null ? state : { ...state, reason: problem };
  }

  function welcomed(): void {
    hasWorked = true;
    denials = 0;
    problem = null;
    refusal = null;
    cancel?.();
    cancel = null;
  }

  function refused(): void {
    if (typeof source !== 'function' || isAsking || cancel !== null) return;
    const why = hasWorked ? 'expired' : 'denied';
    const waitMs = denials === 0 ? 0 : backoffMs(denials, BACKOFF.longestMs, fraction());
    const afterMs = waitMs + (isHere ? 0 : OTHER_PAGE_MS);
    cancel = clock.after(afterMs, () => {
      cancel = null;
      if (!isOver && shown?.connection === 'auth-required') void renewOnce(source, why);
    });
  }

  function renewOnce(ask: TokenFunction, why: TokenReason): Promise<void> {
    renewing ??= renew(ask, why).finally(() => (renewing = null));
    return renewing;
  }

  async function renew(ask: TokenFunction, why: TokenReason): Promise<void> {
    const given = await answerOf(ask, why);
    if (isOver || given === null) return;
    if (given === token) return tell('The token function gave the token that the server refuses.', null);
    token = given;
    hasWorked = false;
    denials += 1;
    problem = null;
    options.onToken(given);
  }

  async function answerOf(ask: TokenFunction, why: TokenReason): Promise<string | null> {
    isAsking = true;
    let stop = (): void => undefined;
    try {
      const late = new Promise<never>((_resolve, reject) => {
        const isLate = `it did not answer within ${TOKEN_MS / 1000} s`;
        stop = clock.after(TOKEN_MS, () => reject(new Error(isLate)));
      });
      const given: unknown = await Promise.race([ask(why), late]);
      if (typeof given === 'string' && given !== '') return given;
      if (given !== null || why !== 'start') tell('The token function gave no token.', null);
      return null;
    } catch (error) {
      tell(`The token function has failed (${messageOf(error)}).`, error);
      return null;
    } finally {
      stop();
      isAsking = false;
    }
  }

  function tell(message: string, cause: unknown): void {
    if (isOver) return;
    problem = { code: 'AUTH_REQUIRED', message };
    const isRefused = shown?.connection === 'auth-required';
    options.onProblem(problem, shown !== null && isRefused ? { ...shown, reason: problem } : null, cause);
  }

  return {
    get token() {
      return token;
    },
    start() {
      if (typeof source === 'function') starting = answerOf(source, 'start').then((given) => void (token = given));
      return starting;
    },
    async get(refused) {
      await starting;
      if (refused !== undefined && token === refused && typeof source === 'function')
        await renewOnce(source, hasWorked ? 'expired' : 'denied');
      return token === refused ? null : token;
    },
    hear,
    leads: (here) => void (isHere = here),
    stop() {
      isOver = true;
      cancel?.();
    },
  };
}
