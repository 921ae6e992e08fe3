/**
 * Makes a misspelt collection a typed error in JavaScript too: `db.nots` throws UNKNOWN_COLLECTION instead of being
 * undefined somewhere later. Only names that nothing else answers to come here, through the handle's prototype, so
 * the handle itself stays an ordinary object.
 */
import { SkerryError } from '../lib/errors.ts';

/** The handle's own members, those that the API has reserved, and what frameworks look for on any object. */
const RESERVED = new Set(
  [
    'close collection collections debug dexie name requestPersistence spaces storage sync transaction tx',
    'asymmetricMatch catch finally inspect length nodeType nodeName ref key tagName then toJSON',
  ].flatMap((names) => names.split(' ')),
);

export function isReservedName(name: string): boolean {
  return RESERVED.has(name) || name in Object.prototype;
}

/** An object with these members whose unknown names throw, once they look like a collection. */
export function withUnknownCollections<T extends object>(members: T, known: readonly string[]): T {
  const get = (target: object, name: string | symbol, receiver: unknown): unknown => {
    const isName = typeof name === 'string' && /^[A-Za-z]\w*$/.test(name) && !isReservedName(name);
    if (isName) throw unknownCollection(name, known);
    return Reflect.get(target, name, receiver);
  };
  return Object.setPrototypeOf(members, new Proxy({}, { get })) as T;
}

function unknownCollection(name: string, known: readonly string[]): SkerryError {
  return new SkerryError(
    'UNKNOWN_COLLECTION',
    `No collection ${name} was passed to open(); there are ${known.join(', ')}.`,
  );
}
