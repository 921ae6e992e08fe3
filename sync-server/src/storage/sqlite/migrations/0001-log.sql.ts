/** The log, the writers and the identity of the server. SQL as a module, so that sources and bundles read it alike. */
export const sql = /* sql */ `
CREATE TABLE meta (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;

CREATE TABLE spaces (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  -- Number of the last entry in the log: 1, 2, 3 ... without gaps.
  head INTEGER NOT NULL
) STRICT;

-- How far each writer incarnation is known, for ever: it outlives the log.
CREATE TABLE writers (
  space INTEGER NOT NULL REFERENCES spaces (id),
  inc TEXT NOT NULL,
  seq INTEGER NOT NULL,
  owner TEXT,
  PRIMARY KEY (space, inc)
) STRICT, WITHOUT ROWID;

CREATE TABLE log (
  space INTEGER NOT NULL REFERENCES spaces (id),
  n INTEGER NOT NULL,
  inc TEXT NOT NULL,
  seq INTEGER NOT NULL,
  hash TEXT NOT NULL,
  -- Canonical JSON text of the change, as it goes to the devices.
  change TEXT NOT NULL,
  PRIMARY KEY (space, n),
  UNIQUE (space, inc, seq)
) STRICT;
`;
