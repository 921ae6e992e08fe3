/** Bugs that somebody could make, each as one piece of source and what stands there instead. */
export interface Mutant {
  readonly name: string;
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly find: string;
  readonly replace: string;
  /** A seed that is known to find it. */
  readonly seed: number;
}

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'clock decides concurrency',
    file: 'sdk/src/core/apply.ts',
    find: 'const kept = without(cells.get(path) ?? [], pred);',
    replace:
      'const kept = without(cells.get(path) ?? [], pred).filter((other) => entry === null || other.hlc >= entry.hlc);',
    seed: 1,
  },
  {
    name: 'a delete wins silently',
    file: 'sdk/src/core/record.ts',
    find: "return unseenByDeletes(record).length === 0 ? 'dead' : 'contested';",
    replace: "return 'dead';",
    seed: 1,
  },
  {
    name: 'incarnation resumed after a restart',
    file: 'sdk/src/store/incarnation.ts',
    find: 'if (!current || current.seq !== onDisk) current = { inc: newIncarnation(nowMs(), random), seq: 0 };',
    replace:
      'if (!current) { const last = Object.entries(seqs).at(-1); current = last ? { inc: last[0], seq: last[1] } : { inc: newIncarnation(nowMs(), random), seq: 0 }; } if (current.seq === 0) current.seq = onDisk;',
    seed: 1,
  },
  {
    name: 'a counter is applied twice',
    file: 'sdk/src/core/apply.ts',
    find: 'record.counters.set(op.p, (record.counters.get(op.p) ?? 0) + op.n);',
    replace: 'record.counters.set(op.p, (record.counters.get(op.p) ?? 0) + op.n * (stamp && stamp[1] % 7 === 0 ? 2 : 1));',
    seed: 1,
  },
  {
    name: 'dependencies are not checked',
    file: 'sdk/src/core/admission.ts',
    find: "if (!covers(facts.cursor, change.deps ?? {}))",
    replace: 'if (false as boolean)',
    seed: 1,
  },
  {
    name: 'order of writers is not checked',
    file: 'sdk/src/core/admission.ts',
    find: 'if ((change.ex ?? []).some((dot) => knownOf(facts, incOf(dot)) < seqOf(dot))) {',
    replace: 'if (false as boolean) {',
    seed: 1,
  },
];

/** The file with the bug in it. */
export function mutated({ name, file, find, replace }: Mutant, source: string): string {
  const parts = source.split(find);
  if (parts.length !== 2) throw new Error(`mutant "${name}": ${file} has its piece ${parts.length - 1} times, not once`);
  return parts.join(replace);
}
