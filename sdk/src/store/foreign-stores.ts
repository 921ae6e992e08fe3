/**
 * What a database of this name holds that was not declared: tables of a plain Dexie app that is being adopted, or of a
 * collection that this version of the app does not have. An upgrade of Dexie's would delete them.
 *
 * So an upgrade is looked at before Dexie sees it. When it would take something away, or a table cannot become a
 * collection, it is undone; nothing has changed then, and the database is opened again with everything declared.
 */
import { SkerryError } from '../lib/errors.ts';

export interface UpgradeGuard {
  /** For Dexie, in the place of the platform's. */
  readonly indexedDB: IDBFactory;
  /** An upgrade was undone: opening again as before would end so again. */
  readonly hasFound: boolean;
  /** What an upgrade was undone for; once told it is forgotten. */
  takeFinding(): Finding | null;
}

export type Finding =
  /** Dexie's schema strings of what has to be declared too. */
  | { readonly type: 'undeclared'; readonly stores: Readonly<Record<string, string>> }
  | { readonly type: 'unusable'; readonly error: SkerryError };

/** `isDeclared`: at the time of the upgrade. `collections`: tables whose rows have a key of ours. */
export function guardUpgrades(
  factory: IDBFactory,
  collections: readonly string[],
  isDeclared: (store: string) => boolean,
): UpgradeGuard {
  let finding: Finding | null = null;
  const look = (event: Event): void => {
    const { result: db, transaction } = event.target as IDBOpenDBRequest;
    finding = findIn(db, transaction!, collections, isDeclared);
    if (!finding) return;
    event.stopImmediatePropagation();
    transaction!.abort();
  };
  return {
    indexedDB: {
      open: (name, version) => {
        const request = version === undefined ? factory.open(name) : factory.open(name, version);
        // Before Dexie's own listener.
        request.addEventListener('upgradeneeded', look);
        return request;
      },
      deleteDatabase: (name) => factory.deleteDatabase(name),
      cmp: (a, b) => factory.cmp(a, b),
      databases: () => factory.databases(),
    },
    get hasFound() {
      return finding !== null;
    },
    takeFinding: () => {
      const found = finding;
      finding = null;
      return found;
    },
  };
}

function findIn(
  db: IDBDatabase,
  transaction: IDBTransaction,
  collections: readonly string[],
  isDeclared: (store: string) => boolean,
): Finding | null {
  const names = [...db.objectStoreNames];
  for (const name of names.filter((known) => collections.includes(known))) {
    const store = transaction.objectStore(name);
    if (store.keyPath === 'id' && !store.autoIncrement) continue;
    const key = keyText(store.keyPath, store.autoIncrement) || 'none of its own';
    return {
      type: 'unusable',
      error: new SkerryError(
        'NOT_ADOPTABLE',
        `The table ${name} of the database ${db.name} has the primary key '${key}', and a collection needs 'id'. Nothing was changed.`,
      ),
    };
  }
  const stores = Object.fromEntries(
    names.filter((name) => !isDeclared(name)).map((name) => [name, schemaOf(transaction.objectStore(name))]),
  );
  return Object.keys(stores).length > 0 ? { type: 'undeclared', stores } : null;
}

/** As Dexie spells it. */
function schemaOf(store: IDBObjectStore): string {
  const indexes = [...store.indexNames].map((name) => {
    const { keyPath, unique, multiEntry } = store.index(name);
    return `${unique ? '&' : ''}${multiEntry ? '*' : ''}${keyText(keyPath, false)}`;
  });
  return [keyText(store.keyPath, store.autoIncrement), ...indexes].join(',');
}

function keyText(keyPath: string | string[] | null, isAuto: boolean): string {
  const text = Array.isArray(keyPath) ? `[${keyPath.join('+')}]` : (keyPath ?? '');
  return `${isAuto ? '++' : ''}${text}`;
}
