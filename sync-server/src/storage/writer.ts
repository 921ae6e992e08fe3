/** Who stands behind a writer: said in its first change, and kept when that is cut from the log. */
import { seqOf, type Change, type NewEntry, type Writer } from '@skerry/sdk/kernel';

export function writerIn({ dot, text }: Pick<NewEntry, 'dot' | 'text'>): Writer | null {
  if (dot === null || text === null || seqOf(dot) !== 1) return null;
  return (JSON.parse(text) as Change).writer ?? null;
}
