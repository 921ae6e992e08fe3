/** One device of the stage: the real app in a frame, who has it, how its sync stands, and the switch that cuts its network. */
import { useConflicts, useSyncStatus, useValue } from '@skerry/sdk/react';
import { useId, type ReactNode } from 'react';

import type { DemoDb } from '../data/schema.ts';
import { chipSentence } from '../sync-status/status-sentence.ts';
import { Disc } from '../ui/byline.tsx';
import type { FrameDevice } from './frame-device.ts';

interface DeviceFrameProps {
  readonly device: FrameDevice;
  /** It does something at this moment. */
  readonly isActing: boolean;
  /** While a scenario plays nobody else should write, and no frame take the focus. */
  readonly isLocked: boolean;
  /** On a phone one device is shown at a time. */
  readonly isShown: boolean;
}

export function DeviceFrame({ device, isActing, isLocked, isShown }: DeviceFrameProps): ReactNode {
  const { db, window, src } = useValue(device.state$);
  return (
    <section
      className="device-card"
      id={`device-${device.id}`}
      data-device={device.id}
      data-acting={isActing || undefined}
      data-shown={isShown || undefined}
      data-testid={`device-${device.id}`}
      aria-label={device.device}
    >
      <header>
        <Disc name={device.name} />
        <p className="device-who">
          <strong>
            {device.device}
            {device.clockAheadMinutes !== 0 && (
              <span className="tag">clock {device.clockAheadMinutes / 60} h ahead</span>
            )}
          </strong>
          {db ? <Status db={db} /> : <span className="detail">Opening…</span>}
        </p>
        {db && <CutSwitch db={db} device={device} />}
      </header>
      {/* The app itself, of the same origin and as trusted as this page: a sandbox would keep nothing from it. */}
      {/* oxlint-disable-next-line react/iframe-missing-sandbox */}
      <iframe key={window} ref={device.attach} src={src} title={`The app on ${device.device}`} inert={isLocked} />
    </section>
  );
}

function Status({ db }: { readonly db: DemoDb }): ReactNode {
  const status = useSyncStatus(db);
  const open = useConflicts(db);
  const { text, tone } = chipSentence(status, {
    toDecide: open.length,
    notAccepted: open.filter(({ kind }) => kind === 'rejected').length,
    // The app in the frame says so itself.
    storage: null,
  });
  return (
    <span className="device-status" data-tone={tone}>
      {text}
    </span>
  );
}

function CutSwitch({ db, device }: { readonly db: DemoDb; readonly device: FrameDevice }): ReactNode {
  const isCut = useSyncStatus(db).connection === 'paused';
  const id = useId();
  return (
    <button
      type="button"
      role="switch"
      className="switch cut-switch"
      data-testid={`cut-${device.id}`}
      aria-checked={isCut}
      aria-labelledby={id}
      onClick={() => device.cut(!isCut)}
    >
      <span id={id}>
        Cut <span className="visually-hidden">{device.device} off </span>
        <span className="wide-words">the network</span>
      </span>
      <span className="switch-track" aria-hidden />
    </button>
  );
}
