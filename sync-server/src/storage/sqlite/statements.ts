/** The SQL of the storage, prepared once per connection. */
import type { Database, Statement } from 'better-sqlite3';

export type Statements = Readonly<Record<keyof typeof SQL, Statement>>;

const SQL = {
  space: 'SELECT * FROM spaces WHERE name = ?',
  spaceId: 'SELECT id FROM spaces WHERE name = ?',
  spaces: 'SELECT name FROM spaces WHERE name > ? ORDER BY name LIMIT ?',
  addSpace:
    'INSERT INTO spaces (lsn, cursor, chain, topology, truncated, digest, has_news, is_remembered, history, name) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id',
  setSpace:
    'UPDATE spaces SET lsn = ?, cursor = ?, chain = ?, topology = ?, truncated = ?, digest = ?, has_news = ?, is_remembered = ? WHERE id = ? AND lsn = ?',
  sizeOfSpace: 'SELECT bytes FROM space_sizes WHERE space = ?',
  setHistory: 'UPDATE spaces SET history = ? WHERE id = ?',

  known: 'SELECT seq, owner, voids FROM writers WHERE space = ? AND inc = ?',
  writer: 'SELECT writer FROM writers WHERE space = ? AND inc = ?',
  setWriter:
    'INSERT INTO writers (space, inc, seq, owner, voids) VALUES (?, ?, ?, ?, ?) ON CONFLICT (space, inc) DO UPDATE SET seq = excluded.seq, voids = excluded.voids',
  describeWriter: 'UPDATE writers SET writer = ? WHERE space = ? AND inc = ?',

  hash: `SELECT hash FROM log WHERE space = ? AND inc = ? AND seq = ? AND kind = 'change'`,
  chain: 'SELECT chain FROM log WHERE space = ? AND sid = ? AND n = ?',
  missing: 'SELECT lsn FROM log WHERE space = ? AND sid = ? AND n > ? ORDER BY n LIMIT 1',
  entries:
    'SELECT lsn, sid, n, kind, inc, seq, hash, chain, text, octet_length(text) AS bytes FROM log WHERE space = ? AND lsn > ? ORDER BY lsn LIMIT ?',
  entriesBack:
    'SELECT lsn, sid, n, kind, inc, seq, hash, chain, text, octet_length(text) AS bytes FROM log WHERE space = ? AND lsn > ? ORDER BY lsn DESC',
  /** What a part of the log has, and where it ends. */
  logSize:
    'SELECT count(*) AS rows, coalesce(sum(bytes), 0) AS bytes, max(lsn) AS last FROM (SELECT lsn, octet_length(text) AS bytes FROM log WHERE space = ? AND lsn > ? ORDER BY lsn LIMIT ?)',
  stamps: 'SELECT lsn, sid, n FROM log WHERE space = ? ORDER BY lsn LIMIT ?',
  addEntry:
    'INSERT INTO log (space, lsn, sid, n, kind, inc, seq, hash, chain, text) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
  cutLog: 'DELETE FROM log WHERE space = ? AND lsn <= ?',

  record: 'SELECT state, digest FROM records WHERE space = ? AND collection = ? AND id = ?',
  setRecord:
    'INSERT INTO records (space, collection, id, state, digest, dead_sid, dead_n) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (space, collection, id) DO UPDATE SET state = excluded.state, digest = excluded.digest, dead_sid = excluded.dead_sid, dead_n = excluded.dead_n',
  dead: 'SELECT collection, id, state, digest FROM records WHERE space = ? AND dead_sid = ? AND dead_n <= ?',
  forget: 'DELETE FROM records WHERE space = ? AND collection = ? AND id = ?',
  /** In the order of `recordsFrom`, with the size of each in bytes. */
  recordSizes:
    'SELECT collection AS c, id, octet_length(state) + octet_length(collection) + octet_length(id) AS bytes FROM records WHERE space = ? ORDER BY collection, id',
  recordSizesBehind:
    'SELECT collection AS c, id, octet_length(state) + octet_length(collection) + octet_length(id) AS bytes FROM records WHERE space = ? AND (collection, id) > (?, ?) ORDER BY collection, id LIMIT ?',
  recordsFrom:
    'SELECT collection AS c, id, state, digest FROM records WHERE space = ? AND (collection, id) >= (?, ?) ORDER BY collection, id LIMIT ?',
} as const;

/** Statements that answer with one value. */
const PLUCKED: readonly (keyof typeof SQL)[] = [
  'spaceId',
  'spaces',
  'addSpace',
  'sizeOfSpace',
  'writer',
  'hash',
  'chain',
  'missing',
];

export function prepare(database: Database): Statements {
  const prepared = Object.entries(SQL).map(([name, sql]) => {
    const statement = database.prepare(sql);
    return [name, PLUCKED.includes(name as keyof typeof SQL) ? statement.pluck() : statement];
  });
  return Object.fromEntries(prepared) as Statements;
}
