/**
 * A mark outside the database that there is one. Browsers clear IndexedDB and open it empty without a word, after
 * damage on the disk too; then the mark is what is left. It is only ever a hint: who this device is stands in the
 * database alone.
 */

export interface StorageMark {
  /** Whether there was a database of this name, by the mark. */
  readonly isSet: boolean;
  set(): void;
}

export function storageMark(name: string): StorageMark {
  const key = `skerry:${name}`;
  const storage = localStorageOf(globalThis);
  return {
    isSet: storage?.getItem(key) === '1',
    set: () => {
      try {
        storage?.setItem(key, '1');
      } catch {
        // Full, or forbidden: the mark is a hint.
      }
    },
  };
}

/** Reading the property throws where site data is blocked. */
function localStorageOf(context: { readonly localStorage?: Storage }): Storage | undefined {
  try {
    return typeof document === 'undefined' ? undefined : context.localStorage;
  } catch {
    return undefined;
  }
}
