/** Where everything of a recording is drawn: lanes from top to bottom, moments from left to right. Numbers only. */
import {
  concurrentGroups,
  type Cut,
  type Mark,
  type Message,
  type RecordedChange,
  type Recording,
} from './recording.ts';

export interface Lane {
  readonly id: string | 'server';
  readonly y: number;
}

export interface Stretch {
  readonly device: string;
  readonly y: number;
  readonly x1: number;
  readonly x2: number | null;
  readonly isCut: boolean;
}

export interface Layout {
  /** At least; lanes go on to the right as far as there is room. */
  readonly width: number;
  readonly height: number;
  readonly lanes: readonly Lane[];
  /** The parts of the lanes. What has no end goes on. */
  readonly stretches: readonly Stretch[];
  readonly changes: readonly {
    readonly change: RecordedChange;
    readonly x: number;
    readonly y: number;
    readonly labelY: number;
  }[];
  readonly arrows: readonly {
    readonly message: Message;
    readonly x1: number;
    readonly y1: number;
    readonly x2: number;
    readonly y2: number;
  }[];
  readonly marks: readonly { readonly mark: Mark; readonly x: number; readonly y: number }[];
  readonly brackets: readonly {
    readonly changes: readonly RecordedChange[];
    readonly x: number;
    readonly width: number;
  }[];
}

export const LANE_HEIGHT = 58;
/** For the words of the brackets. */
export const TOP = 42;
const START = 20;
const MOMENT = 24;
const NARROW_MOMENT = 14;
/** Of a letter of a label, on average. */
const LETTER = 6.4;
const BRACKET_MARGIN = 18;
/** What "neither saw the other" takes. */
const BRACKET_LEAST = 142;

/** The server is in the middle, so that every way to it is short. */
export function lanesOf(devices: readonly string[]): readonly string[] {
  const middle = Math.ceil(devices.length / 2);
  return [...devices.slice(0, middle), 'server', ...devices.slice(middle)];
}

export function layOut(recording: Recording, devices: readonly string[], isNarrow = false): Layout {
  const lanes = lanesOf(devices).map((id, index) => ({ id, y: TOP + index * LANE_HEIGHT + LANE_HEIGHT / 2 }));
  const yOf = (id: string): number => lanes.find((lane) => lane.id === id)?.y ?? 0;
  const xs = momentsAt(recording, isNarrow ? NARROW_MOMENT : MOMENT);
  const xOf = (moment: number): number => xs[moment] ?? xs.at(-1) ?? START;
  return {
    width: (xs.at(-1) ?? START) + START,
    height: TOP + lanes.length * LANE_HEIGHT,
    lanes,
    changes: recording.changes.map((change) => ({
      change,
      x: xOf(change.moment),
      y: yOf(change.device),
      labelY: yOf(change.device) - 15,
    })),
    arrows: recording.messages
      .filter(({ dots }) => dots.length > 0)
      .map((message) => {
        const [from, to] = message.direction === 'up' ? [message.device, 'server'] : ['server', message.device];
        return { message, x1: xOf(message.from), y1: yOf(from), x2: xOf(message.to), y2: yOf(to) };
      }),
    marks: recording.marks.map((mark) => ({ mark, x: xOf(mark.moment), y: yOf(mark.device) })),
    stretches: lanes.flatMap(({ id, y }) => stretchesOf(recording.cuts, id, xOf).map((stretch) => ({ ...stretch, y }))),
    brackets: concurrentGroups(recording).map((changes) => {
      const first = xOf(changes[0]!.moment) - BRACKET_MARGIN;
      const last = changes.at(-1)!;
      return { changes, x: first, width: Math.max(BRACKET_LEAST, xOf(last.moment) + labelWidth(last) - first) };
    }),
  };
}

function stretchesOf(cuts: readonly Cut[], device: string, xOf: (moment: number) => number): Omit<Stretch, 'y'>[] {
  const stretches: Omit<Stretch, 'y'>[] = [];
  let from = 0;
  for (const cut of cuts.filter((one) => one.device === device)) {
    const [x1, x2] = [xOf(cut.from), cut.to === null ? null : xOf(cut.to)];
    stretches.push({ device, x1: from, x2: x1, isCut: false }, { device, x1, x2, isCut: true });
    if (x2 === null) return stretches;
    from = x2;
  }
  return [...stretches, { device, x1: from, x2: null, isCut: false }];
}

/** A change has room for its words; everything else follows closely. The last place is where the next moment will be. */
function momentsAt({ moments, changes }: Recording, least: number): readonly number[] {
  const rooms = new Map(changes.map((change) => [change.moment, labelWidth(change)]));
  const xs = [START];
  for (let moment = 0; moment < moments; moment++) xs.push(xs[moment]! + (rooms.get(moment) ?? least));
  return xs;
}

function labelWidth({ about }: RecordedChange): number {
  return Math.max(MOMENT + 10, 22 + about.length * LETTER);
}
