/** The rows of who may do what, in memory. */
import type { AccessChange, AccessRow, AccessRows } from './access-rows.ts';
import { Serial } from './serial.ts';

interface Data {
  version: number;
  readonly rows: Map<string, AccessRow>;
}

export function memoryAccess(): AccessRows {
  const data: Data = { version: 0, rows: new Map() };
  const serial = new Serial();
  return {
    get: async (scope, key) => data.rows.get(nameOf(scope, key))?.text ?? null,
    list: async (scope) => listed(data.rows, scope),
    version: async () => data.version,
    since: async (version, max) =>
      [...data.rows.values()]
        .filter((row) => row.version > version)
        .sort((a, b) => a.version - b.version || (nameOf(a.scope, a.key) < nameOf(b.scope, b.key) ? -1 : 1))
        .slice(0, max),
    change: (work) =>
      serial.run(async () => {
        const draft = new Map(data.rows);
        const version = data.version + 1;
        let isChanged = false;
        const change: AccessChange = {
          get: async (scope, key) => draft.get(nameOf(scope, key))?.text ?? null,
          list: async (scope) => listed(draft, scope),
          set: async (scope, key, text) => {
            isChanged = true;
            if (text === null) draft.delete(nameOf(scope, key));
            else draft.set(nameOf(scope, key), { scope, key, text, version });
          },
        };
        const result = await work(change);
        if (isChanged) {
          data.version = version;
          data.rows.clear();
          for (const [name, row] of draft) data.rows.set(name, row);
        }
        return result;
      }),
  };
}

function listed(rows: ReadonlyMap<string, AccessRow>, scope: string): readonly AccessRow[] {
  return [...rows.values()].filter((row) => row.scope === scope).sort((a, b) => (a.key < b.key ? -1 : 1));
}

/** Neither has a NUL. */
function nameOf(scope: string, key: string): string {
  return `${scope}\0${key}`;
}
