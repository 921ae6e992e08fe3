/** Dexie makes a table of its core anew whenever it is asked for one, through all its layers; here each is made once. */
import type { DBCore, DBCoreTable } from 'dexie';

export function withTables(core: DBCore): DBCore {
  const tables = new Map<string, DBCoreTable>();
  return {
    ...core,
    table: (name) => {
      let table = tables.get(name);
      if (!table) tables.set(name, (table = core.table(name)));
      return table;
    },
  };
}
