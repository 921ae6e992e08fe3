/**
 * Plays a scenario on a stage: one step after the other, at a pace at which one can follow, and looks at its claims. In the
 * end the claims are looked at again with everything that happens, until somebody changes something: then it is another story.
 */
import { BehaviorSubject, merge, type Subscription } from 'rxjs';

import type { Run } from './run.ts';
import { changesOf } from './shown.ts';
import type { Claim, Finding, Scenario } from './scenarios/scenario.ts';

export interface PlayState {
  readonly phase: 'opening' | 'ready' | 'playing' | 'done' | 'failed';
  /** How many steps are done. */
  readonly done: number;
  /** The step that was begun last, until the end. */
  readonly now: number | null;
  readonly findings: ReadonlyMap<Claim, Finding>;
  /** Somebody wrote something after the end: the findings are of before that. */
  readonly isTouched: boolean;
  readonly failure: string | null;
}

export interface Play {
  readonly state$: BehaviorSubject<PlayState>;
  /** From where it stands to the end. `hurry`: without waiting between the steps. */
  play(options?: { readonly hurry?: boolean }): Promise<void>;
  /** One step, then it waits. */
  step(): Promise<void>;
  hurry(): void;
  stop(): void;
}

/** Between two steps: enough to read one and look at its device. */
const PACE_MS = 1_500;
const LOOK_AGAIN_MS = 120;

export function createPlay(scenario: Scenario, { stage, devices$ }: Pick<Run, 'stage' | 'devices$'>): Play {
  const state$ = new BehaviorSubject<PlayState>({
    phase: 'opening',
    done: 0,
    now: null,
    findings: new Map(),
    isTouched: false,
    failure: null,
  });
  let isHurried = false;
  let wake = (): void => undefined;
  let watching: Subscription | null = null;
  const set = (change: Partial<PlayState>): void => state$.next({ ...state$.value, ...change });

  const fail = (error: unknown): void =>
    set({ phase: 'failed', failure: error instanceof Error ? error.message : String(error) });

  const look = async (claims: readonly Claim[]): Promise<void> => {
    const findings = await Promise.all(claims.map(async (claim) => [claim, await claim.check(stage)] as const));
    set({ findings: new Map([...state$.value.findings, ...findings]) });
  };
  const pause = (): Promise<void> =>
    isHurried
      ? Promise.resolve()
      : new Promise((resolve) => {
          const timer = setTimeout(resolve, PACE_MS);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });

  const advance = async (): Promise<void> => {
    const step = scenario.steps[state$.value.done];
    if (!step) return;
    set({ phase: 'playing', now: state$.value.done });
    try {
      await step.run(stage);
      if (step.claim) await look([step.claim]);
      set({ done: state$.value.done + 1 });
      if (state$.value.done === scenario.steps.length) await end();
    } catch (error) {
      fail(error);
    }
  };
  const isUnderway = (): boolean => state$.value.phase === 'playing';
  const end = async (): Promise<void> => {
    await look(scenario.claims);
    set({ phase: 'done', now: null });
    watching = watch();
  };
  /** Only while everyone has a network and nothing waits: before that they may well differ. */
  const watch = (): Subscription => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const lookAgain = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        const isAtRest = stage.devices.every(({ db }) => isSynced(db.status$.value));
        if (isAtRest && !state$.value.isTouched) void look(scenario.claims);
      }, LOOK_AGAIN_MS);
    };
    const subscription = merge(...stage.devices.map(({ db }) => changesOf(db))).subscribe(lookAgain);
    const writes = merge(...stage.devices.map(({ db }) => db.events$));
    subscription.add(writes.subscribe(({ type }) => type === 'local-write' && set({ isTouched: true })));
    subscription.add(() => clearTimeout(timer));
    return subscription;
  };

  /** The first step is what there is before anybody does anything: done as soon as the devices are open. */
  const prepare = async (): Promise<void> => {
    await Promise.all(devices$.value.map((device) => device.opened()));
    await scenario.steps[0]!.run(stage);
    for (const device of devices$.value) device.show(scenario.shows);
    set({ done: 1, phase: 'ready' });
  };
  prepare().catch(fail);
  return {
    state$,
    async play({ hurry = false } = {}) {
      if (state$.value.phase !== 'ready') return;
      isHurried = hurry;
      for (await advance(); isUnderway(); await advance()) await pause();
    },
    async step() {
      if (state$.value.phase !== 'ready') return;
      await advance();
      if (isUnderway()) set({ phase: 'ready' });
    },
    hurry() {
      isHurried = true;
      wake();
    },
    stop: () => watching?.unsubscribe(),
  };
}

function isSynced(status: { readonly connection: string; readonly pending: { readonly changes: number } }): boolean {
  return status.connection === 'online' && status.pending.changes === 0;
}
