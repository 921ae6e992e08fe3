/**
 * A document for a bug report without what people wrote and who they are. What a value was is told by its kind and
 * length, names by pseudonyms that are the same wherever a name was the same. A text that is not known to be harmless
 * is taken for content.
 */
import { parsePath } from '../core/paths.ts';

/** Whose texts are codes, times, or made by chance by the SDK. */
const KEPT: ReadonlySet<string> = new Set(
  [
    'dot dots pred rv ex lastDot inc incs sid marks stamp stamps claim was hash digest chain',
    'kind type code t key connection level direction firstSync modes unfinished format version here sdk',
    'at oldestAt lastSyncedAt nextAttemptAt detectedAt durability onDeleteVsEdit',
  ].flatMap((keys) => keys.split(' ')),
);
/** Whose texts are names, and of what. */
const NAMES: ReadonlyMap<string, string> = new Map(
  [
    ['collection', 'c collection'],
    ['id', 'id rowId rowIds of copy deviceId conflict accepted contested recoveredFrom'],
    ['field', 'field fields groups by from to parent'],
    ['name', 'name'],
    ['label', 'label'],
    ['constraint', 'constraint'],
    ['policy', 'policy'],
    ['database', 'database'],
  ].flatMap(([kind, keys]) => keys!.split(' ').map((key) => [key, kind!] as const)),
);
/** Below these is what people wrote, numbers included. */
const CONTENT: ReadonlySet<string> = new Set('v n local losers hunks attempted row value'.split(' '));
/** Objects whose keys are paths, and those whose keys are names. */
const PATH_KEYS: ReadonlySet<string> = new Set(['cells', 'counters', 'hot']);
const NAME_KEYS: ReadonlyMap<string, string> = new Map([
  ['collections', 'collection'],
  ['fingerprints', 'collection'],
  ['policies', 'field'],
]);
const LIVES: ReadonlySet<unknown> = new Set(['live', 'dead', 'zombie']);

/** One for each document: pseudonyms count from 1. */
export function createRedaction(): (document: unknown) => unknown {
  const names = new Map<string, string>();
  const counts = new Map<string, number>();

  const nameOf = (kind: string, name: string): string => {
    const known = names.get(`${kind} ${name}`);
    if (known !== undefined) return known;
    const count = (counts.get(kind) ?? 0) + 1;
    counts.set(kind, count);
    names.set(`${kind} ${name}`, `${kind}-${count}`);
    return `${kind}-${count}`;
  };

  const pathOf = (path: string): string => {
    const parsed = parsePath(path);
    switch (parsed.kind) {
      case 'register':
        return nameOf('field', parsed.field);
      case 'counter':
      case 'zero':
      case 'hot':
        return `${parsed.kind} ${nameOf('field', parsed.field)}`;
      case 'group':
        return parsed.fields.map((field) => nameOf('field', field)).join('+');
      case 'element':
        return `${nameOf('field', parsed.field)}/${nameOf('element', path)}`;
      case 'key':
        return `${nameOf('field', parsed.field)}/${nameOf('key', path)}`;
      case 'unknown':
        return nameOf('path', path);
    }
  };

  const shape = (value: unknown): unknown => {
    if (typeof value === 'string') return `text of ${value.length}`;
    if (typeof value === 'number') return 'a number';
    if (Array.isArray(value)) return value.map(shape);
    return isObject(value)
      ? mapped(
          value,
          (key) => nameOf('field', key),
          (_key, inner) => shape(inner),
        )
      : value;
  };

  const textOf = (key: string, text: string): string => {
    if (KEPT.has(key)) return text;
    if (key === 'p' || key === 'path') return pathOf(text);
    const kind = NAMES.get(key);
    return kind === undefined ? `text of ${text.length}` : nameOf(kind, text);
  };

  /** `key`: the one that it stands under; what is in a list stands under the list's. */
  const walk = (key: string, value: unknown): unknown => {
    if (CONTENT.has(key)) return shape(value);
    if (typeof value === 'string') return textOf(key, value);
    if (Array.isArray(value)) return value.map((one) => walk(key, one));
    if (!isObject(value)) return value;
    if (PATH_KEYS.has(key))
      return mapped(value, pathOf, (_path, inner) => (key === 'counters' ? shape(inner) : walk('', inner)));
    const kind = NAME_KEYS.get(key);
    const keyOf = (name: string): string => (kind === undefined ? name : nameOf(kind, name));
    return mapped(value, keyOf, (inner, one) => (inner === 'v' && isLife(key, value, one) ? one : walk(inner, one)));
  };
  return (document) => walk('', document);
}

/** Of an operation, or of a state, whether a record lives: no content. */
function isLife(key: string, { t }: Readonly<Record<string, unknown>>, value: unknown): boolean {
  return LIVES.has(value) && (key === 'life' || t === 'life');
}

function mapped(
  object: Readonly<Record<string, unknown>>,
  keyOf: (key: string) => string,
  valueOf: (key: string, value: unknown) => unknown,
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [keyOf(key), valueOf(key, value)]));
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
