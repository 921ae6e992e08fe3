/**
 * A log with the numbers of every server, the records that it leads to, and where each space stands. What was in the old
 * tables is brought over by `replay.ts`, when all steps are done.
 */
export const sql = /* sql */ `
ALTER TABLE spaces RENAME TO spaces_1;
ALTER TABLE writers RENAME TO writers_1;
ALTER TABLE log RENAME TO log_1;

CREATE TABLE spaces (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  -- Place of the last entry in the log: 1, 2, 3 ... without gaps, whichever server numbered the entry.
  lsn INTEGER NOT NULL,
  -- What else the kernel keeps of a space (SpaceMeta), as JSON.
  cursor TEXT NOT NULL,
  chain TEXT NOT NULL,
  topology TEXT NOT NULL,
  truncated TEXT NOT NULL,
  digest TEXT NOT NULL,
  history TEXT NOT NULL,
  has_news INTEGER NOT NULL,
  is_remembered INTEGER NOT NULL
) STRICT;

-- How far each writer incarnation is known, for ever, and who it is: it outlives the log.
CREATE TABLE writers (
  space INTEGER NOT NULL REFERENCES spaces (id),
  inc TEXT NOT NULL,
  seq INTEGER NOT NULL,
  owner TEXT,
  -- JSON of the numbers of its changes that are here without their content; NULL when there are none.
  voids TEXT,
  -- JSON of the person and the device, from the writer's first change.
  writer TEXT,
  PRIMARY KEY (space, inc)
) STRICT, WITHOUT ROWID;

CREATE TABLE log (
  space INTEGER NOT NULL REFERENCES spaces (id),
  lsn INTEGER NOT NULL,
  sid TEXT NOT NULL,
  n INTEGER NOT NULL,
  -- change | alias | control
  kind TEXT NOT NULL,
  inc TEXT,
  seq INTEGER,
  hash TEXT,
  chain TEXT NOT NULL,
  -- JSON text of the change or of the control entry, as it goes to the devices.
  text TEXT,
  PRIMARY KEY (space, lsn),
  UNIQUE (space, sid, n)
) STRICT;
CREATE UNIQUE INDEX log_dot ON log (space, inc, seq) WHERE kind = 'change';

CREATE TABLE records (
  space INTEGER NOT NULL REFERENCES spaces (id),
  collection TEXT NOT NULL,
  id TEXT NOT NULL,
  -- JSON of the record's state.
  state TEXT NOT NULL,
  -- JSON of its part of the space's digest.
  digest TEXT NOT NULL,
  -- Under which stamp it was deleted, if it may be forgotten one day.
  dead_sid TEXT,
  dead_n INTEGER,
  PRIMARY KEY (space, collection, id)
) STRICT;
CREATE INDEX records_dead ON records (space, dead_sid, dead_n) WHERE dead_n IS NOT NULL;
`;
