/** The same story in sentences, for those who listen. */
import { count } from '../../ui/relative-time.ts';
import { concurrentGroups, type Recording } from './recording.ts';

export function storyOf(recording: Recording, nameOf: (device: string) => string): readonly string[] {
  const told: (readonly [moment: number, sentence: string])[] = [];
  for (const { device, moment, number, about } of recording.changes)
    told.push([moment, `${nameOf(device)}, change ${number}: ${about || 'a change'}`]);
  for (const { direction, device, to, dots } of recording.messages) {
    if (dots.length === 0) continue;
    const what = count(dots.length, 'change');
    told.push([
      to,
      direction === 'up' ? `The server has ${what} of ${nameOf(device)}` : `${nameOf(device)} gets ${what}`,
    ]);
  }
  for (const { kind, device, moment } of recording.marks) told.push([moment, `${nameOf(device)}: ${MARKS[kind]}`]);
  for (const { device, from, to } of recording.cuts) {
    told.push([from, `${nameOf(device)}: the network is cut`]);
    if (to !== null) told.push([to, `${nameOf(device)}: the network is back`]);
  }
  const sentences = told.toSorted(([a], [b]) => a - b).map(([, sentence]) => sentence);
  const concurrent = concurrentGroups(recording).map(
    (changes) =>
      `Neither saw the other: ${changes.map(({ device, number }) => `${nameOf(device)}, change ${number}`).join(' and ')}`,
  );
  return [...sentences, ...concurrent];
}

const MARKS = {
  'conflict-opened': 'there is something to decide',
  'conflict-closed': 'it is decided',
  crash: 'the window is torn away',
} as const;
