/** What the caller says a collection is, and the plain plan that the store and the worker compile from it. */
import { checkConstraints } from '../constraints/check-constraints.ts';
import type { ConstraintPlan } from '../core/constraint.ts';
import { fieldProblem } from '../core/paths.ts';
import { FIRST_VERSION } from '../core/shape.ts';
import { SkerryError } from '../lib/errors.ts';
import { ask } from '../policies/ask.ts';
import { compileCollection, type CollectionPlan } from '../policies/registry.ts';
import type { Policy } from '../policies/policy.ts';
import { describe, isPlainObject } from './copy.ts';
import { isReservedName } from './handle.ts';
import type { RowValidator } from '../store/given-row.ts';
import { isStandardSchema, validatorOf, type InputOf, type OutputOf, type StandardSchema } from './standard-schema.ts';
import type { CollectionDefinition, CollectionOptions, Collections } from './types.ts';

/**
 * Declares a collection of rows of the type `Row`. Nothing happens until open().
 *
 * @example
 * collection<Note>({ fields: { title: ask(), tags: set(), pinned: lww() }, indexes: ['updatedAt'] })
 */
export function collection<Row>(options?: CollectionOptions<Row>): CollectionDefinition<Row>;
/**
 * Declares a collection whose rows fit a schema (valibot, zod, arktype: any synchronous Standard Schema). What is written on
 * this device must fit, with defaults and transforms applied; rows from elsewhere that do not are shown as they are.
 *
 * @example
 * collection(z.object({ title: z.string().max(200), tags: z.array(z.string()).default([]) }), { fields: { tags: set() } })
 */
export function collection<S extends StandardSchema>(
  schema: S,
  options?: CollectionOptions<OutputOf<S>>,
): CollectionDefinition<OutputOf<S>, InputOf<S>>;
export function collection<Row>(
  schemaOrOptions?: StandardSchema | CollectionOptions<Row>,
  options: CollectionOptions<Row> = {},
): CollectionDefinition<Row> {
  if (isStandardSchema(schemaOrOptions)) return { options, schema: schemaOrOptions };
  return { options: schemaOrOptions ?? {} };
}

/** What makes rows of those in a plain Dexie database, of the collections that say so. */
export function convertersOf(collections: Collections): Map<string, (old: unknown) => unknown> {
  return new Map(
    Object.entries(collections).flatMap(([name, { options }]) => {
      const { migrate } = options as CollectionOptions<unknown>;
      return migrate ? [[name, (old: unknown) => migrate(old, 0)]] : [];
    }),
  );
}

/** The validators of the collections, which were checked by planCollections(). */
export function validatorsOf(collections: Collections): Map<string, RowValidator> {
  return new Map(
    Object.entries(collections).flatMap(([name, { schema }]) => (schema ? [[name, validatorOf(name, schema)]] : [])),
  );
}

export type LocalPlan = CollectionPlan & { readonly indexes: readonly string[] };

const MAX_NAME_LENGTH = 128;
const NAME = /^[A-Za-z][A-Za-z0-9_]*$/;
const ON_DELETE = ['ask', 'edit-wins', 'delete-wins'] as const;

/** Checks all collections before anything is opened. Throws INVALID_SCHEMA. */
export function planCollections(collections: Collections): LocalPlan[] {
  if (!isPlainObject(collections)) throw invalid(`collections must be an object; got ${describe(collections)}`);
  const plans = Object.entries(collections).map(([name, definition]) => planCollection(name, definition));
  if (plans.length === 0) throw invalid('collections has none');
  const byLowerCase = new Map<string, string>();
  for (const { name } of plans) {
    const twin = byLowerCase.get(name.toLowerCase());
    if (twin !== undefined) throw invalid(`the names ${twin} and ${name} differ only by case`);
    byLowerCase.set(name.toLowerCase(), name);
  }
  checkConstraints(plans, new Map(plans.map((plan) => [plan.name, compileCollection(plan)])));
  return plans;
}

function planCollection(name: string, definition: unknown): LocalPlan {
  if (!NAME.test(name) || name.length > MAX_NAME_LENGTH) {
    throw invalid(
      `the name ${JSON.stringify(name)} must be a letter and then letters, digits and _, ${MAX_NAME_LENGTH} characters at most`,
    );
  }
  if (isReservedName(name)) throw invalid(`the name ${name} is taken by the database handle itself`);
  const options = isPlainObject(definition) ? definition['options'] : undefined;
  if (!isPlainObject(options)) throw invalid(`${name} must be made by collection()`);
  if ('~standard' in options) throw invalid(`${name} has a schema that is not Standard Schema version 1`);
  const {
    fields = {},
    groups = [],
    constraints = [],
    indexes = [],
    onDeleteVsEdit = 'ask',
    version = FIRST_VERSION,
    migrate,
  } = options as CollectionOptions<Record<string, unknown>>;
  if (!isPlainObject(fields)) throw invalid(`${name}.fields must be an object; got ${describe(fields)}`);
  if (!Array.isArray(groups) || !groups.every(isListOfStrings))
    throw invalid(`${name}.groups must be lists of field names`);
  if (!ON_DELETE.includes(onDeleteVsEdit))
    throw invalid(`${name}.onDeleteVsEdit must be one of ${ON_DELETE.join(', ')}`);
  if (!Array.isArray(constraints) || !constraints.every(isPlainObject))
    throw invalid(`${name}.constraints must be made by noOverlap(), unique(), references() or acyclic()`);
  if (!Number.isSafeInteger(version) || version < FIRST_VERSION)
    throw invalid(`${name}.version must be a whole number from 1; got ${describe(version)}`);
  if (migrate !== undefined && typeof migrate !== 'function')
    throw invalid(`${name}.migrate must be a function; got ${describe(migrate)}`);
  if (!isListOfStrings(indexes)) throw invalid(`${name}.indexes must be a list of index names`);
  for (const index of indexes) checkIndex(name, index);
  if (new Set(indexes).size < indexes.length) throw invalid(`${name}.indexes names an index twice`);
  return {
    name,
    fields: policiesOf(name, fields),
    groups,
    onDeleteVsEdit,
    indexes,
    ...(version > FIRST_VERSION ? { version, ...(migrate ? { migrate } : {}) } : {}),
    ...(constraints.length > 0 ? { constraints: constraints as unknown as readonly ConstraintPlan[] } : {}),
  };
}

function policiesOf(name: string, fields: Readonly<Record<string, unknown>>): Record<string, Policy> {
  const policies = Object.entries(fields).map(([field, policy]) => {
    if (policy !== undefined && !isPlainObject(policy)) {
      throw invalid(`${name}.fields.${field} must be a policy such as ask() or lww(); got ${describe(policy)}`);
    }
    return [field, plainPolicy((policy as Policy | undefined) ?? ask())] as const;
  });
  return Object.fromEntries(policies);
}

/** Without the function of a merge(): a plan travels to the worker. */
function plainPolicy({ kind, name, of }: Policy): Policy {
  return { kind, ...(name === undefined ? {} : { name }), ...(of ? { of: plainPolicy(of) } : {}) };
}

/** `field`, `*field` or `[one+other]`. Unique indexes are refused: two devices can each be right about them. */
function checkIndex(name: string, index: string): void {
  const isCompound = index.startsWith('[') && index.endsWith(']');
  const fields = isCompound ? index.slice(1, -1).split('+') : [index.replace(/^\*/, '')];
  const isBad = fields.some((field) => fieldProblem(field) !== null || /^[&*]|[[\],\s]|^$/.test(field));
  if (isBad || (isCompound && fields.length < 2)) {
    throw invalid(`${name}.indexes: ${JSON.stringify(index)} is not 'field', '*field' or '[one+other]'`);
  }
  if (!isCompound && fields[0] === 'id') throw invalid(`${name}.indexes: id needs no index`);
}

function isListOfStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function invalid(reason: string): SkerryError {
  return new SkerryError('INVALID_SCHEMA', `open() was given a schema that cannot be used: ${reason}.`);
}
