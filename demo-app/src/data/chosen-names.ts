/**
 * What a person has called themselves and their device in the settings, instead of what the address or the browser says. Kept in
 * this browser with the database; the ids stay, so whoever takes another name is still the same person.
 */
export interface ChosenNames {
  readonly user?: string;
  readonly device?: string;
}

type Store = Pick<Storage, 'getItem' | 'setItem'>;

/** Longer ones would push everything else out of a line. */
export const LONGEST_NAME = 40;

export function readNames(store: Pick<Store, 'getItem'>, databaseName: string): ChosenNames {
  try {
    const stored: unknown = JSON.parse(store.getItem(keyOf(databaseName)) ?? '{}');
    const { user, device } = (stored ?? {}) as Record<string, unknown>;
    return { ...named('user', user), ...named('device', device) };
  } catch {
    return {};
  }
}

/** An empty name takes the choice back. Takes effect when the database is opened again. */
export function chooseNames(store: Store, databaseName: string, names: ChosenNames): void {
  const kept = { ...named('user', names.user), ...named('device', names.device) };
  store.setItem(keyOf(databaseName), JSON.stringify(kept));
}

function named(key: keyof ChosenNames, value: unknown): ChosenNames {
  const name = typeof value === 'string' ? value.trim().slice(0, LONGEST_NAME) : '';
  return name === '' ? {} : { [key]: name };
}

function keyOf(databaseName: string): string {
  return `skerry.names/${databaseName}`;
}
