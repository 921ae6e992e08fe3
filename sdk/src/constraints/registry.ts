/** Every kind of constraint, and all constraints of an app as one thing that stores and devices work with. */
import { constrainedFields, isConfirmed, type ConstraintPlan } from '../core/constraint.ts';
import { fieldProblem } from '../core/paths.ts';
import type { RecordState } from '../core/record.ts';
import type { CollectionSchema } from '../core/schema.ts';
import type { Row } from '../core/view.ts';
import { SkerryError } from '../lib/errors.ts';
import { findJsonProblem } from '../lib/json.ts';
import type { CollectionPlan } from '../policies/registry.ts';
import { acyclicRules } from './acyclic.ts';
import { constraintName, entriesOf, marksOf, NOWHERE, presenceName, stampOf, WAIVERS, type Claim } from './claim.ts';
import { noOverlapRules } from './no-overlap.ts';
import { referencesRules } from './references.ts';
import type { ConstraintRules } from './rules.ts';
import { uniqueRules } from './unique.ts';
import { waiverClaim } from './waiver.ts';

export interface CompiledConstraint {
  /** In claims: `events/rooms`. */
  readonly name: string;
  readonly collection: string;
  readonly plan: ConstraintPlan;
  readonly rules: ConstraintRules;
}

export interface Constraints {
  readonly all: readonly CompiledConstraint[];
  /** Whether what is in this collection matters to any constraint. */
  concerns(collection: string): boolean;
  /** The names under which a record of this collection may have claims. */
  claimNames(collection: string): readonly string[];
  /** What a record claims now; `row` is what the app sees of it. */
  claimsOf(collection: string, id: string, state: RecordState | undefined, row: Row | null): readonly Claim[];
}

const MAX_NAME_LENGTH = 128;
const KINDS = ['noOverlap', 'unique', 'references', 'acyclic'] as const;

/** Throws INVALID_SCHEMA when a constraint names what is not there or cannot be constrained. */
export function compileConstraints(
  plans: readonly CollectionPlan[],
  schemas: ReadonlyMap<string, CollectionSchema>,
): Constraints {
  const all = plans.flatMap((plan) => compileAll(plan, schemas));
  const targets = new Set(all.flatMap(({ rules }) => rules.target ?? []));
  const byCollection = new Map(plans.map(({ name }) => [name, all.filter(({ collection }) => collection === name)]));
  const isConstrained = (collection: string): boolean => (byCollection.get(collection)?.length ?? 0) > 0;
  const isWaivable = all.length > 0;
  return {
    all,
    concerns: (collection) =>
      isConstrained(collection) || targets.has(collection) || (isWaivable && collection === WAIVERS),
    claimNames: (collection) => {
      if (collection === WAIVERS) return isWaivable ? [WAIVERS] : [];
      const names = (byCollection.get(collection) ?? []).map(({ name }) => name);
      return targets.has(collection) ? [...names, presenceName(collection)] : names;
    },
    claimsOf: (collection, id, state, row) => {
      if (collection === WAIVERS) return [waiverClaim(id, state)].filter((claim) => claim !== null);
      if (!state || !row) return [];
      const claims = (byCollection.get(collection) ?? []).flatMap((one) => claimOf(one, id, state, row) ?? []);
      return targets.has(collection) ? [...claims, presence(collection, id)] : claims;
    },
  };
}

/** Whether a plan can go to a worker: functions cannot. */
export function hasFunctions({ constraints = [], migrate }: Pick<CollectionPlan, 'constraints' | 'migrate'>): boolean {
  return migrate !== undefined || constraints.some((plan) => 'when' in plan && typeof plan.when === 'function');
}

function claimOf({ name, plan, rules }: CompiledConstraint, id: string, state: RecordState, row: Row): Claim | null {
  const place = rules.place(row);
  if (!place) return null;
  const entries = entriesOf(constrainedFields(plan), state);
  const stamp = isConfirmed(plan) ? stampOf(entries, plan.home) : null;
  return { name, id, ...place, ...marksOf(entries, state), ...(stamp ? { stamp } : {}) };
}

function presence(collection: string, id: string): Claim {
  return { ...NOWHERE, name: presenceName(collection), id, hlc: 0, dot: '', dots: [] };
}

function compileAll(plan: CollectionPlan, schemas: ReadonlyMap<string, CollectionSchema>): CompiledConstraint[] {
  const compiled = (plan.constraints ?? []).map((constraint): CompiledConstraint => {
    checkConstraint(plan, constraint, schemas);
    const name = constraintName(plan.name, constraint.name);
    return { name, collection: plan.name, plan: constraint, rules: rulesOf(constraint) };
  });
  const twice = compiled.find(({ name }, i) => compiled.findIndex((other) => other.name === name) !== i);
  if (twice) throw invalid(plan, `two constraints are called ${twice.plan.name}`);
  return compiled;
}

function rulesOf(plan: ConstraintPlan): ConstraintRules {
  switch (plan.kind) {
    case 'noOverlap':
      return noOverlapRules(plan);
    case 'unique':
      return uniqueRules(plan);
    case 'references':
      return referencesRules(plan);
    case 'acyclic':
      return acyclicRules(plan);
  }
}

function checkConstraint(
  plan: CollectionPlan,
  constraint: ConstraintPlan,
  schemas: ReadonlyMap<string, CollectionSchema>,
): void {
  const { name, kind } = constraint;
  if (!KINDS.includes(kind)) throw invalid(plan, `a constraint has the unknown kind ${String(kind)}`);
  if (typeof name !== 'string' || name === '' || name.length > MAX_NAME_LENGTH || findJsonProblem(name) !== null)
    throw invalid(plan, `the name of a constraint must be text of 1 to ${MAX_NAME_LENGTH} characters`);
  checkOptions(plan, constraint);
  for (const field of constrainedFields(constraint)) checkField(plan, name, field, schemas.get(plan.name)!);
  if (kind === 'references' && !schemas.has(constraint.collection))
    throw invalid(
      plan,
      `the constraint ${name} refers to the collection ${String(constraint.collection)}, which was not passed to open()`,
    );
}

function checkOptions(plan: CollectionPlan, constraint: ConstraintPlan): void {
  const { name, kind } = constraint;
  if (kind === 'unique' && (!Array.isArray(constraint.fields) || constraint.fields.length === 0))
    throw invalid(plan, `the constraint ${name} must name the fields that are unique together`);
  if (kind === 'noOverlap' && constraint.from === constraint.to)
    throw invalid(plan, `the constraint ${name} must name two fields for from and to`);
  if (kind !== 'noOverlap' && kind !== 'unique') return;
  const { when, confirm, home } = constraint;
  const isCondition =
    when === undefined ||
    typeof when === 'function' ||
    (typeof when === 'object' && when !== null && !Array.isArray(when) && findJsonProblem(when) === null);
  if (!isCondition)
    throw invalid(plan, `when of the constraint ${name} must be values by field, or a function of a row`);
  if (confirm !== undefined && confirm !== 'home')
    throw invalid(plan, `confirm of the constraint ${name} must be 'home'`);
  if (home !== undefined && (typeof home !== 'string' || confirm === undefined))
    throw invalid(plan, `home of the constraint ${name} must be a server's sid, beside confirm: 'home'`);
}

function checkField(plan: CollectionPlan, name: string, field: unknown, schema: CollectionSchema): void {
  const problem =
    typeof field !== 'string'
      ? `the constraint ${name} needs names of fields`
      : field === 'id'
        ? `the constraint ${name} is about the field id, which is unique anyway and cannot be changed`
        : fieldProblem(field);
  if (problem !== null) throw invalid(plan, problem);
  const { kind } = schema.placeOf(field as string);
  if (kind !== 'register' && kind !== 'group')
    throw invalid(
      plan,
      `the constraint ${name} cannot be about ${String(field)}: a ${kind} has no single write to go by`,
    );
}

function invalid(plan: CollectionPlan, reason: string): SkerryError {
  return new SkerryError('INVALID_SCHEMA', `Collection ${plan.name}: ${reason}.`);
}
