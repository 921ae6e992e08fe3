/** What can be said about declared constraints without their rules, which an app that declares none never loads. */
import { constrainedFields, type ConstraintPlan } from '../core/constraint.ts';
import { fieldProblem } from '../core/paths.ts';
import type { CollectionSchema } from '../core/schema.ts';
import { SkerryError } from '../lib/errors.ts';
import { findJsonProblem } from '../lib/json.ts';
import type { CollectionPlan } from '../policies/registry.ts';

const MAX_NAME_LENGTH = 128;
const KINDS = ['noOverlap', 'unique', 'references', 'acyclic'] as const;

/** Whether a plan can go to a worker: functions cannot. */
export function hasFunctions({ constraints = [], migrate }: Pick<CollectionPlan, 'constraints' | 'migrate'>): boolean {
  return migrate !== undefined || constraints.some((plan) => 'when' in plan && typeof plan.when === 'function');
}

/** Throws INVALID_SCHEMA when a constraint names what is not there or cannot be constrained. */
export function checkConstraints(
  plans: readonly CollectionPlan[],
  schemas: ReadonlyMap<string, CollectionSchema>,
): void {
  for (const plan of plans) {
    const { constraints = [] } = plan;
    for (const constraint of constraints) checkConstraint(plan, constraint, schemas);
    const twice = constraints.find(({ name }, i) => constraints.findIndex((other) => other.name === name) !== i);
    if (twice) throw invalid(plan, `two constraints are called ${twice.name}`);
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
