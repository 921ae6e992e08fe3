/** One text for a record's place, to look it up by. Collections of newer apps may have any name, so no name can hold the separator. */

/** Refused in every name and id. */
export const KEY_SEPARATOR = '\u0000';

export function recordKey(collection: string, id: string): string {
  return `${collection}${KEY_SEPARATOR}${id}`;
}
