/** Bugs that somebody could make, each as a piece of source and what stands there instead. */
export interface Mutant extends Edit {
  readonly name: string;
  /** The second guard against the same, off as well: with it on, the bug is made good before anybody sees it. */
  readonly also?: Edit;
  /** A seed that is known to find it. */
  readonly seed: number;
}

export interface Edit {
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly find: string;
  readonly replace: string;
}

/** What a device holds is compared with the log after every page that brings it to the end. */
const UNCOMPARED_DIGEST: Edit = {
  file: 'sdk/src/store/page-plan.ts',
  find: 'return digestText(digest) === page.digest;',
  replace: 'return null;',
};

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'the clock decides what is concurrent',
    file: 'sdk/src/core/apply.ts',
    find: 'return [...without(live, pred), own];',
    replace: 'return [...without(live, pred).filter((other) => other.hlc >= own.hlc), own];',
    seed: 1,
  },
  {
    name: 'a delete wins silently',
    file: 'sdk/src/core/record.ts',
    find: "return unseenByDeletes(record).length === 0 ? 'dead' : 'contested';",
    replace: "return 'dead';",
    seed: 2,
  },
  {
    name: 'an incarnation is resumed',
    file: 'sdk/src/store/incarnation.ts',
    find: 'if (!current || current.seq !== onDisk) current = { inc: newIncarnation(nowMs(), random), seq: 0 };',
    replace: `const [last] = Object.keys(seqs).slice(-1);
      if (!current) current = { inc: last ?? newIncarnation(nowMs(), random), seq: 0 };
      current.seq = Object.hasOwn(seqs, current.inc) ? seqs[current.inc] : 0;`,
    seed: 2,
  },
  {
    name: 'a counter is applied twice',
    file: 'sdk/src/core/apply.ts',
    find: 'record.counters.set(op.p, addCounts(record.counters.get(op.p) ?? 0, op.n));',
    replace: `const times = stamp && stamp[1] % 7 === 0 ? 2 : 1;
      record.counters.set(op.p, addCounts(record.counters.get(op.p) ?? 0, op.n * times));`,
    seed: 1,
  },
  {
    name: 'changes are told apart by time',
    file: 'sdk/src/store/follow.ts',
    find: 'const isRepeated = !isFilled && isSeen(entry, seen);',
    replace: `const isRepeated =
        isSeen(entry, seen) || (!!entry.change && changes.some((one) => one.change?.hlc >= entry.change.hlc));`,
    seed: 5,
  },
  {
    name: 'what was seen is forgotten early',
    file: 'sdk/src/store/follow.ts',
    find: '...forgetSettled({ seen, voids }, knownEverywhere(topology, cursor)),',
    replace: '...forgetSettled({ seen: {}, voids }, knownEverywhere(topology, cursor)),',
    seed: 22,
  },
  {
    name: 'the answer comes before the commit',
    file: 'sdk/src/testing/test-server.ts',
    find: `admit(push: Push, answer: (event: ServerEvent) => void): void {
    this.#later(() => {`,
    replace: `admit(push: Push, reply: (event: ServerEvent) => void): void {
    const known = Object.fromEntries(push.changes.map(({ dot }) => [incOf(dot), Number(dot.split('.')[1])]));
    reply({ type: 'admitted', known, accepted: [], head: this.head() });
    const answer = (_event: ServerEvent): void => undefined;
    this.#later(() => {`,
    seed: 1,
  },
  {
    name: 'the cursor is stored before the rows',
    file: 'sdk/src/store/memory-device.ts',
    find: 'const { disk, schemas, constraints } = this.#options;\n    for (const record of plan.records)',
    replace: `const { disk, schemas, constraints } = this.#options;
    disk.replica = plan.replica;
    // The browser ends here now and then.
    if (plan.replica.received % 11 === 0) return;
    for (const record of plan.records)`,
    seed: 1,
  },
  {
    name: 'a page is applied in halves',
    file: 'sdk/src/store/memory-device.ts',
    find: 'for (const record of plan.records) ',
    replace: `const half = plan.replica.received % 11 === 0 ? Math.ceil(plan.records.length / 2) : plan.records.length;
    for (const record of plan.records.slice(0, half)) `,
    seed: 1,
  },
  {
    name: 'a write replaces what the server has, not what was shown',
    file: 'sdk/src/store/step.ts',
    find: 'const asked = change(current, stored?.base);',
    replace: 'const asked = change(stored?.base ?? current, stored?.base);',
    seed: 1,
  },
  {
    name: 'dependencies are not checked',
    file: 'sdk/src/core/admission.ts',
    find: 'if (!covers(facts.cursor, change.deps ?? {}))',
    replace: 'if (false)',
    seed: 1,
  },
  {
    name: 'the order of two tabs is not checked',
    file: 'sdk/src/core/admission.ts',
    find: 'if ((change.ex ?? []).some((dot) => knownOf(facts, incOf(dot)) < seqOf(dot))) {',
    replace: 'if (false) {',
    seed: 10,
  },
  {
    name: 'a log is read in the order of its numbers',
    file: 'sdk/src/testing/memory-space.ts',
    find: 'return disk.log.slice(from, from + max);',
    replace: `const byNumber = (a: NewEntry, b: NewEntry): number =>
    a.stamp[0] === b.stamp[0] ? a.stamp[1] - b.stamp[1] : a.stamp[0] < b.stamp[0] ? -1 : 1;
  return disk.log.slice(from, from + max).toSorted(byNumber);`,
    seed: 1,
  },
  {
    name: 'a change pulled twice is applied twice',
    file: 'sdk/src/space/decide-pull.ts',
    find: 'if (seqOf(dot) === have + 1) {',
    replace: 'if (seqOf(dot) <= have + 1) {',
    seed: 4,
  },
  {
    name: 'nothing is offered again',
    file: 'sdk/src/store/outbox-switch.ts',
    find: 'const offered = reoffered(input, unsent);',
    replace: 'const offered: TailEntry[] = [];',
    seed: 15,
  },
  {
    name: 'two histories of one stream pass for one',
    file: 'sdk/src/space/handshake.ts',
    find: 'return ours !== undefined && Object.hasOwn(chain, other) && chain[other] !== ours;',
    replace: 'return false;',
    also: UNCOMPARED_DIGEST,
    seed: 75,
  },
  {
    name: 'a delete is forgotten by the horizon of one server',
    file: 'sdk/src/core/topology.ts',
    find: 'return least(Object.values(members).map((member) => member.horizon));',
    replace: `const horizons = Object.values(members).map((member) => member.horizon);
  const all: Record<string, number> = {};
  for (const horizon of horizons) for (const [sid, n] of Object.entries(horizon)) all[sid] = Math.max(all[sid] ?? 0, n);
  return all;`,
    seed: 13,
  },
  {
    name: 'an edit of a forgotten record is taken',
    file: 'sdk/src/core/admission.ts',
    find: 'if (!record || isExpired(rec.id, record, facts.horizon))',
    replace: `if (!record) continue;
    if (false)`,
    seed: 5,
  },
  {
    name: 'an edit of a record that is being forgotten is taken',
    file: 'sdk/src/core/admission.ts',
    find: 'if (isExpired(rec.id, record, facts.promised))',
    replace: 'if (false)',
    also: {
      file: 'sdk/src/space/retention.ts',
      find: 'return join(cursorBefore(meta, oldMs), least([promisedByAny(meta.topology), soon]));',
      replace: 'return cursorBefore(meta, oldMs);',
    },
    seed: 331,
  },
  {
    name: 'nobody looks at what is stored',
    ...UNCOMPARED_DIGEST,
    also: {
      file: 'sdk/src/session/inspecting.ts',
      find: 'return options.peer === undefined ? [inspectTimer(INSPECT_AFTER_MS)] : [];',
      replace: 'return [];',
    },
    seed: 8,
  },
  {
    name: 'what a form had seen is named though it was taken back',
    file: 'sdk/src/store/step.ts',
    find: 'return asked && seen && current ? afterTakenBack(asked, goneSince(seen, current, stored)) : asked;',
    replace: 'return asked;',
    seed: 142,
  },
];

export function editsOf(mutant: Mutant): readonly Edit[] {
  return mutant.also ? [mutant, mutant.also] : [mutant];
}

/** The file with the bug in it. */
export function mutated(name: string, { file, find, replace }: Edit, source: string): string {
  const parts = source.split(find);
  if (parts.length !== 2)
    throw new Error(`mutant "${name}": ${file} has its piece ${parts.length - 1} times, not once`);
  return parts.join(replace);
}
