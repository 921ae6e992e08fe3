/** Every policy by its kind, and the compiled schema of a collection made of them. */
import { counterPath, fieldProblem, groupPath, MAX_PATH_LENGTH, type Path } from '../core/paths.ts';
import { constrainedFields, isConfirmed, type ConstraintPlan } from '../core/constraint.ts';
import type { CollectionSchema, FieldPlace } from '../core/schema.ts';
import { SkerryError } from '../lib/errors.ts';
import type { Json } from '../lib/json.ts';
import { ask, askRules } from './ask.ts';
import { counterRules } from './counter.ts';
import { fwwRules } from './fww.ts';
import { lwwRules } from './lww.ts';
import { maxRules, minRules } from './extremum.ts';
import { textRules } from './text.ts';
import type { Policy, PolicyKind, PolicyRules } from './policy.ts';
import { setRules } from './set.ts';

export const POLICIES: Readonly<Record<PolicyKind, PolicyRules>> = {
  ask: askRules,
  lww: lwwRules,
  fww: fwwRules,
  text: textRules,
  max: maxRules,
  min: minRules,
  set: setRules,
  counter: counterRules,
};

/** What a schema is compiled from: plain data, the same in the page and in the worker. */
export interface CollectionPlan {
  readonly name: string;
  readonly fields: Readonly<Record<string, Policy>>;
  readonly groups: readonly (readonly string[])[];
  readonly onDeleteVsEdit: 'ask' | 'edit-wins' | 'delete-wins';
  /** What must hold between its rows and others. */
  readonly constraints?: readonly ConstraintPlan[];
}

/** Throws INVALID_SCHEMA when the plan contradicts itself. */
export function compileCollection(plan: CollectionPlan): CollectionSchema {
  const places = new Map<string, FieldPlace>();
  const registers = new Map<Path, Policy>();
  for (const fields of plan.groups) addGroup(plan, fields, places, registers);
  for (const [field, policy] of Object.entries(plan.fields)) {
    checkField(plan, field);
    const rules = rulesOf(plan, field, policy);
    if (places.get(field)?.kind === 'group') continue;
    if (rules.cell === 'register') registers.set(field, policy);
    places.set(
      field,
      rules.cell === 'counter'
        ? { kind: 'counter', path: counterPath(field) }
        : rules.cell === 'set'
          ? { kind: 'set' }
          : registerPlace(field),
    );
  }
  const placeOf = (field: string): FieldPlace => places.get(field) ?? registerPlace(field);
  const claims = claimPaths(plan, placeOf);
  const rulesAt = (path: Path) => registerRules(registers.get(path) ?? ask());
  return {
    name: plan.name,
    onDeleteVsEdit: plan.onDeleteVsEdit,
    empty: emptyFields(places),
    placeOf,
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
  return new Set(fields.map(placeOf).flatMap((place) => (place.kind === 'set' ? [] : [place.path])));
}

function emptyFields(places: ReadonlyMap<string, FieldPlace>): Readonly<Record<string, Json>> {
  const empty: Record<string, Json> = {};
  for (const [field, { kind }] of places) {
    if (kind === 'set') empty[field] = [];
    if (kind === 'counter') empty[field] = 0;
  }
  return empty;
}

function registerPlace(field: string): FieldPlace {
  return { kind: 'register', path: field };
}

function registerRules(policy: Policy): Extract<PolicyRules, { cell: 'register' }> {
  const rules = POLICIES[policy.kind];
  return rules.cell === 'register' ? rules : askRules;
}

function addGroup(
  plan: CollectionPlan,
  fields: readonly string[],
  places: Map<string, FieldPlace>,
  registers: Map<Path, Policy>,
): void {
  if (fields.length < 2) throw invalid(plan, `the group [${fields.join(', ')}] needs two fields or more`);
  const kinds = new Set(fields.map((field) => plan.fields[field]?.kind ?? 'ask'));
  if (kinds.size > 1) throw invalid(plan, `the fields of the group [${fields.join(', ')}] have different policies`);
  const [kind] = kinds;
  if (POLICIES[kind!]?.cell !== 'register')
    throw invalid(plan, `the group [${fields.join(', ')}] cannot have the policy ${kind}`);
  const path = groupPath(fields);
  if (path.length > MAX_PATH_LENGTH)
    throw invalid(plan, `the names of the group [${fields.join(', ')}] are too long together`);
  for (const field of fields) {
    checkField(plan, field);
    if (places.has(field)) throw invalid(plan, `the field ${field} is in two groups`);
    places.set(field, { kind: 'group', path, fields: fields.toSorted() });
  }
  registers.set(path, { kind: kind! });
}

function checkField(plan: CollectionPlan, field: string): void {
  const problem = field === 'id' ? 'the field id is the row id and has no policy' : fieldProblem(field);
  if (problem) throw invalid(plan, problem);
}

function rulesOf(plan: CollectionPlan, field: string, policy: Policy): PolicyRules {
  const rules = Object.hasOwn(POLICIES, policy.kind) ? POLICIES[policy.kind] : undefined;
  if (!rules) throw invalid(plan, `the policy of the field ${field} is unknown: ${String(policy.kind)}`);
  return rules;
}

function invalid(plan: CollectionPlan, reason: string): SkerryError {
  return new SkerryError('INVALID_SCHEMA', `Collection ${plan.name}: ${reason}.`);
}
