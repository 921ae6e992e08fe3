/** The story of a run as a drawing: a lane for each device, one for the server, and what went between them. */
import { useEffect, useRef, type ReactNode } from 'react';

import { NARROW, useMedia } from '../../ui/use-media.ts';
import type { Character } from '../cast.ts';
import type { RecordedChange, Recording } from './recording.ts';
import { LANE_HEIGHT, layOut, TOP, type Layout } from './timeline-layout.ts';
import { storyOf } from './story.ts';

interface TimelineProps {
  readonly recording: Recording;
  readonly devices: readonly Character[];
}

export function Timeline({ recording, devices }: TimelineProps): ReactNode {
  const scroller = useRef<HTMLDivElement>(null);
  const isNarrow = useMedia(NARROW);
  const layout = layOut(
    recording,
    devices.map(({ id }) => id),
    isNarrow,
  );
  const bracketX = layout.brackets.at(-1)?.x ?? 0;
  useEffect(() => {
    const { current } = scroller;
    if (!current) return;
    // The newest is in view; with little room, from where the last bracket begins.
    const isNear = current.scrollWidth - bracketX < 2 * current.clientWidth;
    current.scrollTo({ left: isNear && bracketX > 0 ? bracketX - 8 : current.scrollWidth });
  }, [layout.width, bracketX]);
  const nameOf = (id: string): string => devices.find((device) => device.id === id)?.name ?? 'Server';
  return (
    <div className="timeline">
      <ol className="timeline-lanes" style={{ paddingBlockStart: TOP }} aria-hidden>
        {layout.lanes.map(({ id }) => (
          <li key={id} data-device={id} style={{ height: LANE_HEIGHT }}>
            {id === 'server' ? 'Server' : shortName(devices, id)}
          </li>
        ))}
      </ol>
      <div className="timeline-scroll" ref={scroller} tabIndex={0} role="group" aria-label="Timeline">
        <Drawing layout={layout} />
        {recording.moments === 0 && <p className="timeline-empty detail">Nothing yet. What is written appears here.</p>}
        <ol className="visually-hidden" data-testid="story">
          {storyOf(recording, nameOf).map((sentence, index) => (
            <li key={index}>{sentence}</li>
          ))}
        </ol>
      </div>
    </div>
  );
}

/** The person alone where that says which device. */
function shortName(devices: readonly Character[], id: string): string {
  const device = devices.find((one) => one.id === id)!;
  const isOnly = devices.filter(({ name }) => name === device.name).length === 1;
  return isOnly ? device.name : device.device;
}

function Drawing({ layout }: { readonly layout: Layout }): ReactNode {
  const { width, height } = layout;
  return (
    <svg width="100%" height={height} style={{ minWidth: width }} aria-hidden focusable="false">
      <defs>
        <marker id="timeline-arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
          <path d="M0 0.5 7.500 4 0 7.500z" className="timeline-head" />
        </marker>
      </defs>
      {layout.brackets.map(({ changes, x, width: wide }) => (
        <Bracket key={changes[0]!.dot} changes={changes} x={x} width={wide} height={height} />
      ))}
      {layout.stretches.map(({ device, y, x1, x2, isCut }) => (
        <g key={`${device}-${x1}`} data-device={device}>
          <line x1={x1} x2={x2 ?? '100%'} y1={y} y2={y} className="timeline-lane" data-cut={isCut || undefined} />
          {isCut && <path d={`M${x1 - 3} ${y - 7} v14 M${x1 + 3} ${y - 7} v14`} className="timeline-scissors" />}
        </g>
      ))}
      {layout.arrows.map(({ message, x1, y1, x2, y2 }) => (
        <g key={`${message.direction}-${message.device}-${message.from}`} className="timeline-message">
          <line {...shortened(x1, y1, x2, y2)} markerEnd="url(#timeline-arrow)" />
          {message.dots.length > 1 && (
            <text x={x1 + (x2 - x1) / 4 + 7} y={y1 + (y2 - y1) / 4 + 4}>
              {message.dots.length}
            </text>
          )}
        </g>
      ))}
      {layout.marks.map(({ mark, x, y }) => (
        <g key={`${mark.kind}-${mark.device}-${mark.moment}`} className="timeline-mark" data-kind={mark.kind}>
          {mark.kind === 'crash' ? (
            <path d={`M${x - 6} ${y - 6} l12 12 M${x + 6} ${y - 6} l-12 12`} />
          ) : (
            <rect x={x - 6} y={y - 6} width={12} height={12} rx={2} transform={`rotate(45 ${x} ${y})`} />
          )}
        </g>
      ))}
      {layout.changes.map(({ change, x, y, labelY }) => (
        <g key={change.dot} className="timeline-change" data-device={change.device}>
          <circle cx={x} cy={y} r={10} />
          <text x={x} y={y + 4} className="timeline-number">
            {change.number}
          </text>
          <text x={x - 9} y={labelY} className="timeline-about">
            {change.about}
          </text>
        </g>
      ))}
    </svg>
  );
}

function Bracket(props: {
  readonly changes: readonly RecordedChange[];
  readonly x: number;
  readonly width: number;
  readonly height: number;
}): ReactNode {
  const { changes, x, width, height } = props;
  return (
    <g className="timeline-bracket" data-testid="neither-saw">
      <rect x={x} y={TOP - 12} width={width} height={height - TOP + 6} rx={8} />
      <path d={`M${x + 4} ${TOP - 6} v-6 q0 -6 6 -6 h${width - 20} q6 0 6 6 v6`} />
      <text x={x + 10} y={18}>
        {bracketWords(changes)}
      </text>
    </g>
  );
}

function bracketWords(changes: readonly RecordedChange[]): string {
  return new Set(changes.map(({ device }) => device)).size === 2 ? 'neither saw the other' : 'none saw all the others';
}

/** Between the circles and not into them. */
function shortened(x1: number, y1: number, x2: number, y2: number): { x1: number; y1: number; x2: number; y2: number } {
  const length = Math.hypot(x2 - x1, y2 - y1) || 1;
  const [dx, dy] = [(x2 - x1) / length, (y2 - y1) / length];
  return { x1: x1 + dx * 3, y1: y1 + dy * 3, x2: x2 - dx * 5, y2: y2 - dy * 5 };
}
