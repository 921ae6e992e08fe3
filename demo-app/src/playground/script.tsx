/** What happens in a scenario, step by step, and what is claimed of it, with what the databases say. */
import { useValue } from '@skerry/sdk/react';
import { Check, RotateCcw, X } from 'lucide-react';
import type { ReactNode } from 'react';

import type { Play, PlayState } from './play.ts';
import type { Claim, Finding, Scenario } from './scenarios/scenario.ts';

interface ScriptProps {
  readonly scenario: Scenario;
  readonly play: Play;
  readonly onAgain: () => void;
}

export function Script({ scenario, play, onAgain }: ScriptProps): ReactNode {
  const state = useValue(play.state$);
  return (
    <>
      <h2>{scenario.question}</h2>
      <Controls state={state} play={play} onAgain={onAgain} />
      <StepNow scenario={scenario} state={state} />
      <ol className="steps">
        {scenario.steps.map((step, index) => (
          <li
            key={step.text}
            data-state={index < state.done ? 'done' : index === state.now ? 'now' : 'ahead'}
            aria-current={index === state.now && state.phase === 'playing' ? 'step' : undefined}
          >
            {step.text}
            {step.claim && <ClaimBox claim={step.claim} finding={state.findings.get(step.claim)} isLive={false} />}
          </li>
        ))}
      </ol>
      {state.failure !== null && (
        <p className="danger-note" data-level="critical" role="alert">
          It could not go on: {state.failure}
        </p>
      )}
      <section className="claims" aria-label="Claims" aria-live="polite">
        <h3>What must be so in the end</h3>
        {scenario.claims.map((claim) => (
          <ClaimBox key={claim.text} claim={claim} finding={state.findings.get(claim)} isLive={!state.isTouched} />
        ))}
        {state.isTouched && (
          <p className="detail">
            That was so at the end of the scenario. Since then you have changed something: see for yourself whether the
            devices still agree.
          </p>
        )}
      </section>
    </>
  );
}

/** Where the list of steps is below the devices, the step of the moment stands above them. */
function StepNow({ scenario, state }: { readonly scenario: Scenario; readonly state: PlayState }): ReactNode {
  const { steps } = scenario;
  const now = state.now === null ? undefined : steps[state.now];
  return (
    <p className="step-now" aria-live="polite">
      {now ? (
        <>
          <b>
            {state.now! + 1} of {steps.length}
          </b>{' '}
          {now.text}
        </>
      ) : state.phase === 'done' ? (
        'Done. Look at the devices, and at the claims below.'
      ) : (
        `${steps.length} steps, about ten seconds.`
      )}
    </p>
  );
}

/** One button all the time, so that the focus stays on it. */
function Controls({
  state,
  play,
  onAgain,
}: Pick<ScriptProps, 'play' | 'onAgain'> & { readonly state: PlayState }): ReactNode {
  const { phase, done } = state;
  const isOver = phase === 'done' || phase === 'failed';
  const { id, sign, words, press } = MAIN_BUTTON[phase];
  return (
    <div className="controls" data-phase={phase}>
      <button
        type="button"
        className="button primary"
        data-testid={id}
        aria-disabled={phase === 'opening' || undefined}
        onClick={() => press(play, onAgain)}
      >
        {sign} {phase === 'ready' && done > 1 ? 'Play the rest' : words}
      </button>
      {!isOver && (
        <button type="button" className="button" disabled={phase !== 'ready'} onClick={() => void play.step()}>
          One step
        </button>
      )}
    </div>
  );
}

interface MainButton {
  readonly id: string;
  readonly sign: ReactNode;
  readonly words: string;
  readonly press: (play: Play, again: () => void) => void;
}

const AGAIN: MainButton = {
  id: 'again',
  sign: <RotateCcw aria-hidden />,
  words: 'Again, from the start',
  press: (_play, again) => again(),
};
const MAIN_BUTTON: Readonly<Record<PlayState['phase'], MainButton>> = {
  opening: { id: 'opening', sign: null, words: 'Opening the devices…', press: () => undefined },
  ready: { id: 'play', sign: <PlaySign />, words: 'Play', press: (play) => void play.play() },
  playing: { id: 'hurry', sign: null, words: 'Go to the end', press: (play) => play.hurry() },
  done: AGAIN,
  failed: AGAIN,
};

function ClaimBox(props: {
  readonly claim: Claim;
  readonly finding: Finding | undefined;
  readonly isLive: boolean;
}): ReactNode {
  const { claim, finding, isLive } = props;
  const outcome = finding === undefined ? 'open' : finding.holds ? 'holds' : 'fails';
  return (
    <div className="claim" data-testid="claim" data-outcome={outcome}>
      <span className="claim-sign" aria-hidden>
        {outcome === 'holds' ? <Check /> : outcome === 'fails' ? <X /> : null}
      </span>
      <p>
        {outcome === 'fails' && <strong>Not so: </strong>}
        {outcome === 'holds' && <span className="visually-hidden">True: </span>}
        {claim.text}
      </p>
      {finding && (
        <p className="claim-found detail">
          <b>{isLive ? 'In the databases' : 'In the databases, then'}</b> · {finding.found}
        </p>
      )}
    </div>
  );
}

function PlaySign(): ReactNode {
  return (
    <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden focusable="false">
      <path d="M4 2.500v11l9.500-5.500z" fill="currentColor" />
    </svg>
  );
}
