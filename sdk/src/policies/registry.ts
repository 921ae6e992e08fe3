/** Every policy by its kind, and the compiled schema of a collection made of them. */
import { counterPath, fieldProblem, groupPath, hotPath, mapOfPath, MAX_PATH_LENGTH, type Path } from '../core/paths.ts';
import { constrainedFields, isConfirmed, type ConstraintPlan } from '../core/constraint.ts';
import type { CollectionSchema, FieldPlace } from '../core/schema.ts';
import { SkerryError } from '../lib/errors.ts';
import { canonicalJson, type Json } from '../lib/json.ts';
import { ask, askRules } from './ask.ts';
import { migration } from './migration.ts';
import { counterRules } from './counter.ts';
import { fwwRules } from './fww.ts';
import { hotRules } from './hot.ts';
import { localRules } from './local.ts';
import { lwwRules } from './lww.ts';
import { mapRules } from './map.ts';
import { maxRules, minRules } from './extremum.ts';
import { mergeRules, NO_MERGES, type CallMerge } from './merge.ts';
import { linewiseTextRules, textRules } from './text.ts';
import type { Policy, PolicyKind, PolicyRules, RegisterRules } from './policy.ts';
import { setRules } from './set.ts';

/** All but merge(), whose rules are those of its function. */
export const POLICIES: Readonly<Record<Exclude<PolicyKind, 'merge'>, PolicyRules>> = {
  ask: askRules,
  lww: lwwRules,
  fww: fwwRules,
  text: textRules,
  max: maxRules,
  min: minRules,
  set: setRules,
  map: mapRules,
  counter: counterRules,
  hot: hotRules,
  local: localRules,
};

/** Longest name of a merge function. */
const MAX_MERGE_NAME = 128;

/** What a schema is compiled from: plain data, the same in the page and in the worker. */
export interface CollectionPlan {
  readonly name: string;
  readonly fields: Readonly<Record<string, Policy>>;
  readonly groups: readonly (readonly string[])[];
  readonly onDeleteVsEdit: 'ask' | 'edit-wins' | 'delete-wins';
  /** Of its rows, from 1; absent: 1. */
  readonly version?: number;
  /** Makes a row of this version of an older one. With it the plan cannot go to a worker. */
  readonly migrate?: (old: unknown, from: number) => unknown;
  /** What must hold between its rows and others. */
  readonly constraints?: readonly ConstraintPlan[];
}

/** Throws INVALID_SCHEMA when the plan contradicts itself. `call` asks the functions of merge(). */
export function compileCollection(plan: CollectionPlan, call: CallMerge = NO_MERGES): CollectionSchema {
  const places = new Map<string, FieldPlace>();
  const registers = new Map<Path, RegisterRules>();
  const maps = new Map<string, RegisterRules>();
  for (const fields of plan.groups) addGroup(plan, fields, places, registers, call);
  for (const [field, policy] of Object.entries(plan.fields)) {
    checkField(plan, field);
    const rules = rulesOf(plan, field, policy, call);
    if (places.get(field)?.kind === 'group') continue;
    if (rules.cell === 'register') registers.set(field, rules);
    if (rules.cell === 'map') maps.set(field, keyRules(plan, field, policy.of, call));
    places.set(field, placeOf(field, rules.cell));
  }
  const fieldPlace = (field: string): FieldPlace => places.get(field) ?? registerPlace(field);
  const claims = claimPaths(plan, fieldPlace);
  const rulesAt = (path: Path): RegisterRules => {
    const map = mapOfPath(path);
    return (map === null ? registers.get(path) : maps.get(map)) ?? askRules;
  };
  return {
    name: plan.name,
    onDeleteVsEdit: plan.onDeleteVsEdit,
    empty: emptyFields(places),
    ...(plan.version === undefined ? {} : { version: plan.version }),
    ...(plan.migrate ? { migrate: migration(plan.migrate) } : {}),
    localFields: [...places].flatMap(([field, { kind }]) => (kind === 'local' ? [field] : [])),
    placeOf: fieldPlace,
    read: (path, entries) =>
      entries.length === 1 ? { shown: entries[0]!, isConflict: false, losers: [] } : rulesAt(path).read(entries),
    baseLength: (path) => rulesAt(path).baseLength,
    inheritsClaim: (path) => rulesAt(path).inheritsClaim ?? false,
    isClaim: (path) => claims.has(path),
  };
}

/** The registers whose writes a constraint wants numbered. */
function claimPaths({ constraints = [] }: CollectionPlan, placeOf: (field: string) => FieldPlace): ReadonlySet<Path> {
  const fields = constraints.filter(isConfirmed).flatMap(constrainedFields);
  return new Set(fields.map(placeOf).flatMap((place) => ('path' in place ? [place.path] : [])));
}

function emptyFields(places: ReadonlyMap<string, FieldPlace>): Readonly<Record<string, Json>> {
  const empty: Record<string, Json> = {};
  for (const [field, { kind }] of places) {
    if (kind === 'set') empty[field] = [];
    if (kind === 'map') empty[field] = {};
    if (kind === 'counter') empty[field] = 0;
  }
  return empty;
}

function registerPlace(field: string): FieldPlace {
  return { kind: 'register', path: field };
}

function placeOf(field: string, cell: PolicyRules['cell']): FieldPlace {
  switch (cell) {
    case 'register':
      return registerPlace(field);
    case 'counter':
      return { kind: 'counter', path: counterPath(field) };
    case 'hot':
      return { kind: 'hot', path: hotPath(field) };
    case 'set':
    case 'map':
    case 'local':
      return { kind: cell };
  }
}

/** How the keys of a map are read. */
function keyRules(plan: CollectionPlan, field: string, policy: Policy | undefined, call: CallMerge): RegisterRules {
  const rules = rulesOf(plan, field, policy ?? ask(), call);
  if (rules.cell === 'register') return rules;
  throw invalid(plan, `the keys of the map ${field} cannot have the policy ${policy?.kind}`);
}

function addGroup(
  plan: CollectionPlan,
  fields: readonly string[],
  places: Map<string, FieldPlace>,
  registers: Map<Path, RegisterRules>,
  call: CallMerge,
): void {
  if (fields.length < 2) throw invalid(plan, `the group [${fields.join(', ')}] needs two fields or more`);
  const policies = fields.map((field) => plan.fields[field] ?? ask());
  if (new Set(policies.map(textOf)).size > 1)
    throw invalid(plan, `the fields of the group [${fields.join(', ')}] have different policies`);
  const rules = rulesOf(plan, fields[0]!, policies[0]!, call, true);
  if (rules.cell !== 'register')
    throw invalid(plan, `the group [${fields.join(', ')}] cannot have the policy ${policies[0]!.kind}`);
  const path = groupPath(fields);
  if (path.length > MAX_PATH_LENGTH)
    throw invalid(plan, `the names of the group [${fields.join(', ')}] are too long together`);
  for (const field of fields) {
    checkField(plan, field);
    if (places.has(field)) throw invalid(plan, `the field ${field} is in two groups`);
    places.set(field, { kind: 'group', path, fields: fields.toSorted() });
  }
  registers.set(path, rules);
}

/** Equal policies have equal texts. */
function textOf({ kind, name, of, by }: Policy): string {
  return canonicalJson([kind, name ?? null, of ? textOf(of) : null, by ?? null]);
}

function checkField(plan: CollectionPlan, field: string): void {
  const problem = field === 'id' ? 'the field id is the row id and has no policy' : fieldProblem(field);
  if (problem) throw invalid(plan, problem);
}

function rulesOf(
  plan: CollectionPlan,
  field: string,
  { kind, name, by }: Policy,
  call: CallMerge,
  isGroup = false,
): PolicyRules {
  if (kind === 'merge') return mergeRules(mergeName(plan, field, name), call, isGroup);
  if (by !== undefined) {
    if (kind === 'text' && by === 'line') return linewiseTextRules;
    throw invalid(plan, `the policy of the field ${field} is merged by 'word' or 'line', not by ${String(by)}`);
  }
  const rules = Object.hasOwn(POLICIES, kind) ? POLICIES[kind] : undefined;
  if (!rules) throw invalid(plan, `the policy of the field ${field} is unknown: ${String(kind)}`);
  return rules;
}

function mergeName(plan: CollectionPlan, field: string, name: unknown): string {
  const isGood = typeof name === 'string' && name.length > 0 && name.length <= MAX_MERGE_NAME && name !== '__proto__';
  if (isGood) return name;
  throw invalid(plan, `merge() of the field ${field} needs a name of 1 to ${MAX_MERGE_NAME} characters`);
}

function invalid(plan: CollectionPlan, reason: string): SkerryError {
  return new SkerryError('INVALID_SCHEMA', `Collection ${plan.name}: ${reason}.`);
}
