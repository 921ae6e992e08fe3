/** The SQL of the storage. Each statement touches one space; what it touches besides is said. */
import type { Statement } from './sessions.ts';

export type Statements = Readonly<Record<keyof ReturnType<typeof textsIn>, Statement>>;

/** For tables in this schema. */
export function statementsIn(schema: string): Statements {
  const texts = Object.entries(textsIn(quoted(schema)));
  return Object.fromEntries(texts.map(([name, text]) => [name, { name: `skerry_${name}`, text }])) as Statements;
}

export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

const SPACE = 'lsn, cursor, chain, topology, truncated, digest, history, has_news, is_remembered';
const ENTRY = 'lsn, sid, n, kind, inc, seq, hash, chain, text';

function textsIn(s: string) {
  return {
    // Held by every transaction that writes, in common; alone by what concerns all of them. Not of a space.
    share: `SELECT pg_advisory_xact_lock_shared(${LOCK}, hashtext($1)) IS NULL AS held`,
    exclude: `SELECT pg_advisory_xact_lock(${LOCK}, hashtext($1)) IS NULL AS held`,
    // The server's identity. Not of a space.
    sid: `SELECT value FROM ${s}.meta WHERE key = 'sid'`,
    spaces: `SELECT space FROM ${s}.spaces WHERE space > $1 ORDER BY space LIMIT $2`,

    /**
     * One statement, so one moment. The place: behind the first entry of any server that the cursor ($3, $4) lacks.
     */
    look: `SELECT ${SPACE},
  (SELECT json_agg(json_build_array(inc, seq, owner, voids)) FROM ${s}.writers AS w WHERE w.space = $1 AND w.inc = ANY($2::text[])) AS known,
  (SELECT json_agg(json_build_array(l.sid, l.chain)) FROM unnest($3::text[], $4::bigint[]) AS at (sid, n)
    JOIN ${s}.log AS l ON l.space = $1 AND l.sid = at.sid AND l.n = at.n) AS chains,
  (SELECT min(first.lsn) FROM json_object_keys(spaces.cursor::json) AS has (sid)
    LEFT JOIN unnest($3::text[], $4::bigint[]) AS at (sid, n) ON at.sid = has.sid
    CROSS JOIN LATERAL (SELECT l.lsn FROM ${s}.log AS l WHERE l.space = $1 AND l.sid = has.sid AND l.n > coalesce(at.n, 0) ORDER BY l.n LIMIT 1) AS first) AS missing
FROM ${s}.spaces WHERE space = $1`,
    /** The first entry, and those that follow as long as the sum of bytes stays within $4. Lengths are known without reading the texts. */
    entries: `SELECT ${ENTRY} FROM (
  SELECT ${ENTRY}, row_number() OVER log_order AS place, sum(octet_length(text)) OVER log_order AS bytes
  FROM (SELECT ${ENTRY} FROM ${s}.log WHERE space = $1 AND lsn > $2 ORDER BY lsn LIMIT $3) AS page
  WINDOW log_order AS (ORDER BY lsn ROWS UNBOUNDED PRECEDING)
) AS measured WHERE place = 1 OR coalesce(bytes, 0) <= $4 ORDER BY lsn`,
    /** As `entries`, from the end of the log back: those between $2 and $3. */
    entriesBack: `SELECT ${ENTRY} FROM (
  SELECT ${ENTRY}, row_number() OVER log_order AS place, sum(octet_length(text)) OVER log_order AS bytes
  FROM (SELECT ${ENTRY} FROM ${s}.log WHERE space = $1 AND lsn > $2 AND lsn < $3 ORDER BY lsn DESC LIMIT $4) AS page
  WINDOW log_order AS (ORDER BY lsn DESC ROWS UNBOUNDED PRECEDING)
) AS measured WHERE place = 1 OR coalesce(bytes, 0) <= $5 ORDER BY lsn DESC`,

    /** Waits for whoever writes to the space. What is read after it, in statements of their own, is as that one left it. */
    lock: `SELECT ${SPACE}, bytes FROM ${s}.spaces WHERE space = $1 FOR UPDATE`,
    facts: `SELECT true AS is_writer, inc AS a, NULL AS b, seq AS n, owner AS c, voids AS d FROM ${s}.writers WHERE space = $1 AND inc = ANY($2::text[])
UNION ALL
SELECT false, r.collection, r.id, octet_length(r.state), r.state, r.digest FROM unnest($3::text[], $4::text[]) AS asked (collection, id)
  JOIN ${s}.records AS r ON r.space = $1 AND r.collection = asked.collection AND r.id = asked.id`,
    hashes: `SELECT l.inc, l.seq, l.hash FROM unnest($2::text[], $3::bigint[]) AS asked (inc, seq)
  JOIN ${s}.log AS l ON l.space = $1 AND l.inc = asked.inc AND l.seq = asked.seq AND l.kind = 'change'`,

    addSpace: `INSERT INTO ${s}.spaces (space, ${SPACE}) VALUES ($1, 0, '{}', '{}', $2, '{}', $3, $4, false, false)`,
    setHistory: `UPDATE ${s}.spaces SET history = $2 WHERE space = $1`,
    /** Everything that was decided about a space; $31 are the bytes of its texts. Changes one row of `spaces`, if nobody else has written to it since. */
    save: `WITH entries AS (
  INSERT INTO ${s}.log (space, lsn, sid, n, kind, inc, seq, hash, chain, text)
  SELECT $1, * FROM unnest($11::bigint[], $12::text[], $13::bigint[], $14::text[], $15::text[], $16::bigint[], $17::text[], $18::text[], $19::text[])
), heard AS (
  INSERT INTO ${s}.writers AS w (space, inc, seq, owner, voids, writer)
  SELECT $1, * FROM unnest($20::text[], $21::bigint[], $22::text[], $23::text[], $24::text[])
  ON CONFLICT (space, inc) DO UPDATE SET seq = excluded.seq, voids = excluded.voids, writer = coalesce(excluded.writer, w.writer)
), changed AS (
  INSERT INTO ${s}.records (space, collection, id, state, digest, dead_sid, dead_n)
  SELECT $1, * FROM unnest($25::text[], $26::text[], $27::text[], $28::text[], $29::text[], $30::bigint[])
  ON CONFLICT (space, collection, id) DO UPDATE
    SET state = excluded.state, digest = excluded.digest, dead_sid = excluded.dead_sid, dead_n = excluded.dead_n
)
UPDATE ${s}.spaces SET lsn = $3, cursor = $4, chain = $5, topology = $6, truncated = $7, digest = $8, has_news = $9, is_remembered = $10,
  -- The records as they were before.
  bytes = bytes + $31 - (SELECT coalesce(sum(octet_length(r.state)), 0) FROM unnest($25::text[], $26::text[]) AS was (collection, id)
    JOIN ${s}.records AS r ON r.space = $1 AND r.collection = was.collection AND r.id = was.id)
WHERE space = $1 AND lsn = $2`,

    stamps: `SELECT lsn, sid, n FROM ${s}.log WHERE space = $1 ORDER BY lsn LIMIT $2`,
    cutLog: `WITH gone AS (DELETE FROM ${s}.log WHERE space = $1 AND lsn <= $2 RETURNING octet_length(text) AS bytes)
UPDATE ${s}.spaces SET bytes = bytes - (SELECT coalesce(sum(gone.bytes), 0) FROM gone) WHERE space = $1`,
    dead: `SELECT r.collection, r.id, r.state FROM unnest($2::text[], $3::bigint[]) AS horizon (sid, n)
  JOIN ${s}.records AS r ON r.space = $1 AND r.dead_sid = horizon.sid AND r.dead_n <= horizon.n
  ORDER BY r.collection, r.id LIMIT $4 OFFSET $5`,
    forget: `WITH gone AS (
  DELETE FROM ${s}.records AS r USING unnest($2::text[], $3::text[]) AS expired (collection, id)
  WHERE r.space = $1 AND r.collection = expired.collection AND r.id = expired.id RETURNING octet_length(r.state) AS bytes
)
UPDATE ${s}.spaces SET bytes = bytes - (SELECT coalesce(sum(gone.bytes), 0) FROM gone) WHERE space = $1`,

    /** In the order of `recordsFrom`, with the size of each in bytes. */
    recordSizes: `SELECT collection AS c, id, octet_length(state) + octet_length(collection) + octet_length(id) AS bytes
  FROM ${s}.records WHERE space = $1 AND (collection, id) > ($2, $3) ORDER BY collection, id LIMIT $4`,
    logSize: `SELECT count(*) AS rows, coalesce(sum(bytes), 0)::bigint AS bytes, max(lsn) AS last
  FROM (SELECT lsn, octet_length(text) AS bytes FROM ${s}.log WHERE space = $1 AND lsn > $2 ORDER BY lsn LIMIT $3) AS part`,
    recordsFrom: `SELECT collection AS c, id, state, digest FROM ${s}.records WHERE space = $1 AND (collection, id) >= ($2, $3) ORDER BY collection, id LIMIT $4`,
    writers: `SELECT inc, writer FROM ${s}.writers WHERE space = $1 AND inc = ANY($2::text[]) AND writer IS NOT NULL`,
    known: `SELECT inc, seq, owner, voids FROM ${s}.writers WHERE space = $1 AND inc = ANY($2::text[])`,

    // The rows of who may do what; not of a space.
    accessVersion: `SELECT value::bigint AS version FROM ${s}.meta WHERE key = 'access'`,
    /** Waits for whoever changes the rows. */
    lockAccess: `SELECT value::bigint AS version FROM ${s}.meta WHERE key = 'access' FOR UPDATE`,
    countAccess: `UPDATE ${s}.meta SET value = $1 WHERE key = 'access'`,
    accessRow: `SELECT text FROM ${s}.access WHERE scope_hash = $1 AND key_hash = $2`,
    accessScope: `SELECT scope, key, text, version FROM ${s}.access WHERE scope_hash = $1 ORDER BY key`,
    accessSince: `SELECT scope, key, text, version FROM ${s}.access WHERE version > $1 ORDER BY version, scope, key LIMIT $2`,
    setAccess: `INSERT INTO ${s}.access (scope_hash, key_hash, scope, key, text, version) VALUES ($1, $2, $3, $4, $5, $6)
  ON CONFLICT (scope_hash, key_hash) DO UPDATE SET text = excluded.text, version = excluded.version`,
    removeAccess: `DELETE FROM ${s}.access WHERE scope_hash = $1 AND key_hash = $2`,

    /** What each table takes, with its indexes. Not of a space. */
    files: `SELECT relname AS name, pg_total_relation_size(oid) AS bytes FROM pg_class
  WHERE relkind IN ('r', 'p') AND relnamespace = to_regnamespace($1) ORDER BY relname`,
    /** Not of a space. */
    notify: 'SELECT pg_notify($1, $2) IS NULL AS sent',
  } as const;
}

/** Tells our advisory locks from those of others in the same database. */
const LOCK = 0x53_4b_52_59;
