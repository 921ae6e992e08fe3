/**
 * The tables of a space, column by column, for what handles them as rows: SQLite has the same. In both, rows come in the
 * order of `key`.
 */

export interface Table {
  readonly name: 'writers' | 'log' | 'records';
  readonly key: readonly string[];
  readonly columns: Readonly<Record<string, 'text' | 'bigint'>>;
}

export const TABLES: readonly Table[] = [
  {
    name: 'writers',
    key: ['inc'],
    columns: { inc: 'text', seq: 'bigint', owner: 'text', voids: 'text', writer: 'text' },
  },
  {
    name: 'log',
    key: ['lsn'],
    columns: {
      lsn: 'bigint',
      sid: 'text',
      n: 'bigint',
      kind: 'text',
      inc: 'text',
      seq: 'bigint',
      hash: 'text',
      chain: 'text',
      text: 'text',
    },
  },
  {
    name: 'records',
    key: ['collection', 'id'],
    columns: { collection: 'text', id: 'text', state: 'text', digest: 'text', dead_sid: 'text', dead_n: 'bigint' },
  },
];

/** Of the row of the space itself, besides its name. */
export const SPACE_COLUMNS: Readonly<Record<string, 'text' | 'bigint' | 'boolean'>> = {
  lsn: 'bigint',
  cursor: 'text',
  chain: 'text',
  topology: 'text',
  truncated: 'text',
  digest: 'text',
  history: 'text',
  has_news: 'boolean',
  is_remembered: 'boolean',
};

export const ACCESS_COLUMNS = ['scope', 'key', 'text', 'version'] as const;
