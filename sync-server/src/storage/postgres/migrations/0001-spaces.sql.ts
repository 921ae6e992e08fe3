/**
 * The same tables as in SQLite, with the space's name as the first column of every key: each statement touches one space, so
 * that its tables can be distributed by `space` and a space's rows lie together. SQL as a module, so that sources
 * and bundles read it alike; the schema is the first of the search path.
 *
 * Names are compared byte by byte ("C"), as SQLite does. JSON is text: `jsonb` would reorder keys and refuse what JSON allows.
 */
export const sql = /* sql */ `
CREATE TABLE meta (
  key text PRIMARY KEY,
  value text NOT NULL
);

CREATE TABLE spaces (
  space text COLLATE "C" PRIMARY KEY,
  -- Place of the last entry in the log: 1, 2, 3 ... without gaps, whichever server numbered the entry.
  lsn bigint NOT NULL,
  -- What else the kernel keeps of a space (SpaceMeta), as JSON.
  cursor text NOT NULL,
  chain text NOT NULL,
  topology text NOT NULL,
  truncated text NOT NULL,
  digest text NOT NULL,
  history text NOT NULL,
  has_news boolean NOT NULL,
  is_remembered boolean NOT NULL,
  -- Of the texts of its log and its records.
  bytes bigint NOT NULL DEFAULT 0
  -- Written by every transaction: with room left, a new version of the row stays on its page and touches no index.
) WITH (fillfactor = 50);

-- How far each writer incarnation is known, for ever, and who it is: it outlives the log.
CREATE TABLE writers (
  space text COLLATE "C" NOT NULL,
  inc text COLLATE "C" NOT NULL,
  seq bigint NOT NULL,
  owner text,
  -- JSON of the numbers of its changes that are here without their content; NULL when there are none.
  voids text,
  -- JSON of the person and the device, from the writer's first change.
  writer text,
  PRIMARY KEY (space, inc)
) WITH (fillfactor = 80);

CREATE TABLE log (
  space text COLLATE "C" NOT NULL,
  lsn bigint NOT NULL,
  sid text COLLATE "C" NOT NULL,
  n bigint NOT NULL,
  -- change | alias | control
  kind text NOT NULL,
  inc text COLLATE "C",
  seq bigint,
  hash text,
  chain text NOT NULL,
  -- JSON text of the change or of the control entry, as it goes to the devices.
  text text,
  PRIMARY KEY (space, lsn),
  UNIQUE (space, sid, n)
);
CREATE UNIQUE INDEX log_dot ON log (space, inc, seq) WHERE kind = 'change';

CREATE TABLE records (
  space text COLLATE "C" NOT NULL,
  collection text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  -- JSON of the record's state.
  state text NOT NULL,
  -- JSON of its part of the space's digest.
  digest text NOT NULL,
  -- Under which stamp it was deleted, if it may be forgotten one day.
  dead_sid text COLLATE "C",
  dead_n bigint,
  PRIMARY KEY (space, collection, id)
) WITH (fillfactor = 80);
CREATE INDEX records_dead ON records (space, dead_sid, dead_n) WHERE dead_n IS NOT NULL;

-- Who may do what: members of spaces, invitations, devices. Found by hashes, because the names may be longer than a key of an index.
CREATE TABLE access (
  scope_hash text COLLATE "C" NOT NULL,
  key_hash text COLLATE "C" NOT NULL,
  scope text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  text text NOT NULL,
  -- Number of the change that set it.
  version bigint NOT NULL,
  PRIMARY KEY (scope_hash, key_hash)
);
CREATE INDEX access_version ON access (version);

-- The number of the latest change.
INSERT INTO meta (key, value) VALUES ('access', '0');
`;
