/** One run: the script, the devices side by side, the timeline and the version vectors. */
import { useValue } from '@skerry/sdk/react';
import { useEffect, useState, type ReactNode } from 'react';

import { NARROW, useMedia } from '../ui/use-media.ts';
import { Agreement } from './agreement.tsx';
import type { DeviceId } from './cast.ts';
import { DeviceFrame } from './device-frame.tsx';
import type { FrameDevice } from './frame-device.ts';
import { FreePlay } from './free-play.tsx';
import { spaceOf } from './leftovers.ts';
import { createPlay, type Play } from './play.ts';
import { createRun, type Run } from './run.ts';
import type { Scenario } from './scenarios/scenario.ts';
import { Script } from './script.tsx';
import { KnowledgeTable } from './timeline/knowledge-table.tsx';
import { Timeline } from './timeline/timeline.tsx';

const FREE: Pick<Scenario, 'cast'> = { cast: ['anna', 'bruno'] };

/** Each has a space and databases that were never used. */
let runs = 0;

interface StageProps {
  /** Null: no script. */
  readonly scenario: Scenario | null;
  /** Of the page that shows it. */
  readonly page: string;
  readonly onAgain: () => void;
}

export function Stage({ scenario, page, onAgain }: StageProps): ReactNode {
  const [run] = useState(() => createRun(scenario ?? FREE, spaceOf(page, ++runs)));
  const [play] = useState(() => scenario && createPlay(scenario, run));
  useEffect(() => () => play?.stop(), [play]);
  return (
    <div className="stage">
      <div className="script">
        {scenario && play ? <Script scenario={scenario} play={play} onAgain={onAgain} /> : <FreePlay run={run} />}
      </div>
      {scenario && play ? <PlayedDevices run={run} play={play} scenario={scenario} /> : <Devices run={run} />}
      <Story run={run} />
    </div>
  );
}

function PlayedDevices(props: { readonly run: Run; readonly play: Play; readonly scenario: Scenario }): ReactNode {
  const { phase, now } = useValue(props.play.state$);
  const isPlaying = phase === 'playing';
  const acting = isPlaying && now !== null ? props.scenario.steps[now]!.by : [];
  return <Devices run={props.run} acting={acting} isLocked={isPlaying || phase === 'opening'} />;
}

interface DevicesProps {
  readonly run: Run;
  readonly acting?: readonly DeviceId[];
  readonly isLocked?: boolean;
}

function Devices({ run, acting = [], isLocked = false }: DevicesProps): ReactNode {
  const devices = useValue(run.devices$);
  const isNarrow = useMedia(NARROW);
  const [chosen, choose] = useState<DeviceId>(devices[0]!.id);
  // On a phone one looks at whoever does something.
  const actor = acting[0];
  const [lastActor, setLastActor] = useState(actor);
  if (lastActor !== actor) {
    setLastActor(actor);
    if (actor && !acting.includes(chosen)) choose(actor);
  }
  return (
    <div className="devices-area">
      {isNarrow && <DeviceTabs devices={devices} chosen={chosen} onChoose={choose} />}
      <div className="device-row" data-count={devices.length}>
        {devices.map((device) => (
          <DeviceFrame
            key={device.id}
            device={device}
            isActing={acting.includes(device.id)}
            isLocked={isLocked}
            isShown={!isNarrow || device.id === chosen}
          />
        ))}
      </div>
      <Agreement devices={devices} />
    </div>
  );
}

function DeviceTabs(props: {
  readonly devices: readonly FrameDevice[];
  readonly chosen: DeviceId;
  readonly onChoose: (id: DeviceId) => void;
}): ReactNode {
  return (
    <div className="segments device-tabs" role="group" aria-label="Device">
      {props.devices.map(({ id, device }) => (
        <button
          key={id}
          type="button"
          className="segment"
          data-selected={id === props.chosen || undefined}
          aria-pressed={id === props.chosen}
          onClick={() => props.onChoose(id)}
        >
          {device}
        </button>
      ))}
    </div>
  );
}

function Story({ run }: { readonly run: Run }): ReactNode {
  const recording = useValue(run.recording$);
  const devices = useValue(run.devices$);
  return (
    <section className="story" aria-label="What happened">
      <div className="story-timeline">
        <div className="story-head">
          <h2>What happened</h2>
          <ul className="legend" aria-hidden>
            <li data-sign="change">change</li>
            <li data-sign="message">message</li>
            <li data-sign="cut">network cut</li>
            <li data-sign="conflict">to decide</li>
          </ul>
        </div>
        <Timeline recording={recording} devices={devices} />
      </div>
      <KnowledgeTable recording={recording} devices={devices} />
    </section>
  );
}
