/**
 * A row as the app gives it to a write, with what the validator of its collection makes of it.
 *
 * The validator is asked once, about what the app gave. Its answer counts for the fields that the write changes: defaults
 * and transforms are applied to those and to no other, so a field is transformed once, when it is written. What was wrong
 * with the row before, because a peer or another version of the app wrote it, does not make it uneditable.
 */
import type { CollectionSchema } from '../core/schema.ts';
import type { Row } from '../core/view.ts';
import { SkerryError } from '../lib/errors.ts';
import { findJsonProblem, jsonEqual, type Json } from '../lib/json.ts';
import { checkId, copyRow } from './check-row.ts';

/** One thing that is wrong with a row, and where. */
export interface RowIssue {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

export type Validated =
  { readonly value: unknown; readonly issues?: undefined } | { readonly issues: readonly RowIssue[] };

/** Throws INVALID_SCHEMA for one that does not answer at once, INVALID_VALUE for one that throws. */
export type RowValidator = (row: Readonly<Record<string, unknown>>) => Validated;

export type Validators = ReadonlyMap<string, RowValidator>;

export interface GivenRow {
  readonly id: string;
  /** The row to write over what is shown. Throws INVALID_VALUE with every issue that the write brings. */
  fit(shown: Row | undefined): Row;
}

/** Copied at once: the app may alter its objects as soon as its call returns. Throws what copyRow() throws. */
export function givenRow(schema: CollectionSchema, value: unknown, validate: RowValidator | undefined): GivenRow {
  try {
    return takenRow(schema, value, validate);
  } catch (cause) {
    if (cause instanceof SkerryError) throw cause;
    throw new SkerryError(
      'INVALID_VALUE',
      `A row of ${schema.name} cannot be read: a getter of it, or a proxy, threw.`,
      {
        cause,
      },
    );
  }
}

function takenRow(schema: CollectionSchema, value: unknown, validate: RowValidator | undefined): GivenRow {
  if (!validate || typeof value !== 'object' || value === null || Array.isArray(value)) {
    const row = copyRow(schema, value);
    return { id: row['id'] as string, fit: () => row };
  }
  const given = value as Readonly<Record<string, unknown>>;
  const id = checkId(schema.name, given['id']);
  const answer = validate(given);
  // What the validator is to transform need not be JSON data; what it leaves must be.
  const kept = jsonFields(given);
  if (answer.issues) {
    const { issues } = answer;
    const problem = Object.keys(kept).length < definedKeys(given) ? jsonProblem(schema, given) : null;
    return { id, fit: (shown) => keptRow(schema, { kept, issues, problem }, validate, shown) };
  }
  const made = copyRow(schema, { ...plainAnswer(schema, answer.value), id });
  return { id, fit: (shown) => (shown ? overShown(kept, made, shown) : made) };
}

/** All issues in one error, each with its place. */
export function issuesError(collection: string, issues: readonly RowIssue[], about = 'A row'): SkerryError {
  const said = issues.map(({ path, message }) => (path.length === 0 ? message : `${placeOf(path)}: ${message}`));
  return new SkerryError('INVALID_VALUE', `${about} of ${collection} does not fit its schema: ${said.join('; ')}.`, {
    issues,
  });
}

function placeOf(path: RowIssue['path']): string {
  return path.reduce<string>(
    (place, key) => (typeof key === 'number' ? `${place}[${key}]` : place === '' ? key : `${place}.${key}`),
    '',
  );
}

/** Changed fields as the schema made them, the others as they are. */
function overShown(kept: Row, made: Row, shown: Row): Row {
  const fields = new Set([...Object.keys(kept), ...Object.keys(made), ...Object.keys(shown)]);
  const row: Record<string, Json> = {};
  for (const field of fields) {
    const source = isAsShown(kept, shown, field) ? shown : made;
    if (Object.hasOwn(source, field)) row[field] = source[field]!;
  }
  return row;
}

interface Misfit {
  readonly kept: Row;
  readonly issues: readonly RowIssue[];
  readonly problem: SkerryError | null;
}

function keptRow(
  schema: CollectionSchema,
  { kept, issues, problem }: Misfit,
  validate: RowValidator,
  shown: Row | undefined,
): Row {
  const before = shown ? new Set((validate(shown).issues ?? []).map(textOf)) : new Set();
  const isOld = (issue: RowIssue): boolean => {
    const [field] = issue.path;
    const isUntouched = !!shown && (field === undefined || isAsShown(kept, shown, String(field)));
    return isUntouched && before.has(textOf(issue));
  };
  const brought = issues.filter((issue) => !isOld(issue));
  if (brought.length > 0) throw issuesError(schema.name, brought);
  if (problem) throw problem;
  return kept;
}

function textOf({ path, message }: RowIssue): string {
  return JSON.stringify([path, message]);
}

function isAsShown(row: Row, shown: Row, field: string): boolean {
  return jsonEqual(valueOf(row, field), valueOf(shown, field));
}

function valueOf(row: Row, field: string): Json | undefined {
  return Object.hasOwn(row, field) ? row[field] : undefined;
}

/** What of the row is JSON data already. */
function jsonFields(given: Readonly<Record<string, unknown>>): Row {
  const entries = Object.entries(given).filter(([, value]) => value !== undefined && findJsonProblem(value) === null);
  return Object.fromEntries(entries.map(([field, value]) => [field, structuredClone(value) as Json]));
}

function definedKeys(given: Readonly<Record<string, unknown>>): number {
  return Object.values(given).filter((value) => value !== undefined).length;
}

function jsonProblem(schema: CollectionSchema, given: unknown): SkerryError {
  try {
    copyRow(schema, given);
  } catch (error) {
    if (error instanceof SkerryError) return error;
    throw error;
  }
  return new SkerryError('INVALID_VALUE', `A row of ${schema.name} is not plain JSON data.`);
}

function plainAnswer(schema: CollectionSchema, value: unknown): object {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new SkerryError('INVALID_SCHEMA', `The schema of ${schema.name} makes no object of a row.`);
}
