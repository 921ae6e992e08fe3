/**
 * Validators of the app's choice (valibot, zod, arktype and whatever else speaks Standard Schema v1, standardschema.dev),
 * as the store asks them. Only the interface is known here: the SDK brings no validator and needs no package for it.
 */
import { Dexie } from 'dexie';

import { SkerryError } from '../lib/errors.ts';
import type { RowIssue, RowValidator, Validated } from '../store/given-row.ts';
import { isPromise } from './write-scope.ts';

/** The part of Standard Schema v1 that is used. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

export type StandardResult<Output> =
  { readonly value: Output; readonly issues?: undefined } | { readonly issues: readonly StandardIssue[] };

export interface StandardIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** What a schema takes, and what it makes of that. */
export type InputOf<S extends StandardSchema> = NonNullable<S['~standard']['types']>['input'];
export type OutputOf<S extends StandardSchema> = NonNullable<S['~standard']['types']>['output'];

/** Some libraries make their schemas functions. */
export function isStandardSchema(value: unknown): value is StandardSchema {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return false;
  const standard: unknown = Reflect.get(value, '~standard');
  return (
    typeof standard === 'object' &&
    standard !== null &&
    Reflect.get(standard, 'version') === 1 &&
    typeof Reflect.get(standard, 'validate') === 'function'
  );
}

/**
 * Asks a schema about rows. Most schemas say nothing of the id, and strict ones refuse what they do not know; so a row
 * is shown without its id, until the schema asks for one.
 */
export function validatorOf(collection: string, schema: StandardSchema): RowValidator {
  let wantsId = false;
  return (row) => {
    const { id, ...fields } = row;
    if (wantsId) return ask(collection, schema, row);
    const answer = ask(collection, schema, fields);
    if (id === undefined || !answer.issues?.some(({ path }) => path[0] === 'id')) return answer;
    const whole = ask(collection, schema, row);
    wantsId = !whole.issues?.some(({ path }) => path[0] === 'id');
    return wantsId ? whole : answer;
  };
}

function ask(collection: string, schema: StandardSchema, row: unknown): Validated {
  const result = answerOf(collection, schema, row);
  if (!isPromise(result)) return result.issues ? { issues: result.issues.map(plainIssue) } : { value: result.value };
  // Nobody listens to it any more; unheard, it would end the page's tests.
  result.then(undefined, () => {});
  throw new SkerryError(
    'INVALID_SCHEMA',
    `The schema of ${collection} validates asynchronously, and a write cannot wait for it. Use a synchronous schema, and check the rest before the write. Nothing was written.`,
  );
}

function answerOf(
  collection: string,
  schema: StandardSchema,
  row: unknown,
): ReturnType<StandardSchema['~standard']['validate']> {
  try {
    // Inside a transaction Dexie puts its own Promise in the place of the global one, by which libraries tell what is async.
    return Dexie.ignoreTransaction(() => schema['~standard'].validate(row));
  } catch (cause) {
    throw new SkerryError('INVALID_VALUE', `The schema of ${collection} threw when it was asked about a row.`, {
      cause,
    });
  }
}

function plainIssue({ message, path = [] }: StandardIssue): RowIssue {
  return { message, path: Array.from(path, (part) => segment(typeof part === 'object' ? part.key : part)) };
}

function segment(key: PropertyKey): string | number {
  return typeof key === 'symbol' ? String(key) : key;
}
