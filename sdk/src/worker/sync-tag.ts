/** The name under which a page asks the browser to wake its service worker: one for each database. */

const PREFIX = 'skerry:';

export function tagOf(name: string): string {
  return `${PREFIX}${name}`;
}

/** The name of the database; null for a tag of somebody else. */
export function nameInTag(tag: unknown): string | null {
  return typeof tag === 'string' && tag.startsWith(PREFIX) ? tag.slice(PREFIX.length) : null;
}
