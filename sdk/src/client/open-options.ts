/** Checks what open() is given, before anything is opened. Types cannot, in JavaScript and at the edge of a program. */
import { SkerryError } from '../lib/errors.ts';
import { describe, isPlainObject } from './copy.ts';

/** As the protocol has them. */
const MAX_ID_LENGTH = 256;

/** Throws INVALID_OPTION. The collections are checked by planCollections(). */
export function checkOpenOptions(options: unknown): void {
  const { name, sync, user, device, worker, durability, logger, signal, warnOnScan } = objectAt('', options);
  text('name', name, 1);
  if (sync !== undefined) checkSync(sync);
  if (user !== undefined) checkPerson('user', user);
  if (device !== undefined) optionalText('device.name', objectAt('device', device)['name']);
  if (worker !== undefined && worker !== false)
    must(typeof worker === 'function', 'worker', 'a function or false', worker);
  if (durability !== undefined)
    must(durability === 'strict' || durability === 'relaxed', 'durability', `'strict' or 'relaxed'`, durability);
  if (logger !== undefined) checkLogger(logger);
  if (warnOnScan !== undefined) must(typeof warnOnScan === 'boolean', 'warnOnScan', 'true or false', warnOnScan);
  if (signal !== undefined) must(signal instanceof AbortSignal, 'signal', 'an AbortSignal', signal);
}

function checkSync(sync: unknown): void {
  const { url, space, token, paused, background, onAccessLost } = objectAt('sync', sync);
  must(typeof url === 'string' && url.length > 0, 'sync.url', 'an address such as wss://example.org or /sync', url);
  if (space !== undefined) text('sync.space', space, 1);
  if (token !== undefined)
    must(typeof token === 'string' || typeof token === 'function', 'sync.token', 'a string or a function', token);
  if (paused !== undefined) must(typeof paused === 'boolean', 'sync.paused', 'true or false', paused);
  if (background !== undefined) must(typeof background === 'boolean', 'sync.background', 'true or false', background);
  if (onAccessLost !== undefined)
    must(
      ['seal', 'purge', 'keep'].includes(onAccessLost as string),
      'sync.onAccessLost',
      `'seal', 'purge' or 'keep'`,
      onAccessLost,
    );
}

function checkPerson(place: string, person: unknown): void {
  const { id, name } = objectAt(place, person);
  text(`${place}.id`, id, 1);
  optionalText(`${place}.name`, name);
}

function checkLogger(logger: unknown): void {
  for (const level of ['error', 'info', 'debug']) {
    const isThere = typeof logger === 'object' && logger !== null && typeof Reflect.get(logger, level) === 'function';
    must(isThere, `logger.${level}`, 'a function', undefined);
  }
}

function optionalText(place: string, value: unknown): void {
  if (value !== undefined) text(place, value, 0);
}

function text(place: string, value: unknown, min: number): void {
  const isText =
    typeof value === 'string' && value.length >= min && value.length <= MAX_ID_LENGTH && value.isWellFormed();
  must(
    isText && !value.includes('\u0000') && value !== '__proto__',
    place,
    `text of ${min} to ${MAX_ID_LENGTH} characters`,
    value,
  );
}

function objectAt(place: string, value: unknown): { readonly [member: string]: unknown } {
  must(isPlainObject(value), place, 'an object', value);
  return value as { readonly [member: string]: unknown };
}

function must(condition: boolean, place: string, wanted: string, got: unknown): void {
  if (condition) return;
  const what = place === '' ? 'its argument' : place;
  throw new SkerryError('INVALID_OPTION', `open(): ${what} must be ${wanted}; got ${describe(got)}.`);
}
