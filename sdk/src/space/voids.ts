/**
 * Changes that a server has without their content: refused somewhere, and emptied by their device. They are remembered
 * as long as their writer is, longer than the log: nothing that names one may come in, and content that another server
 * had taken before takes its place.
 */
import { incOf, seqOf, type Dot, type Inc } from '../core/dot.ts';
import type { KnownWriter, SpaceView } from './space.ts';

export function isVoidHere(known: ReadonlyMap<Inc, KnownWriter>, dot: Dot): boolean {
  return known.get(incOf(dot))?.voids?.includes(seqOf(dot)) ?? false;
}

/** Its content has come. */
export function fillVoid(view: SpaceView, dot: Dot): void {
  const { voids = [], ...writer } = view.known.get(incOf(dot))!;
  const left = voids.filter((seq) => seq !== seqOf(dot));
  view.known.set(incOf(dot), { ...writer, ...(left.length > 0 ? { voids: left } : {}) });
  view.heard.add(incOf(dot));
}
