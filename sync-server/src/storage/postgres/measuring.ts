/** How large a space is, in parts: the lengths stand beside the texts, so these are not read. */
import type { Measured, MeasuredPlace, RecordName } from '../port.ts';
import type { Session } from './sessions.ts';
import type { Statements } from './statements.ts';

const FIRST_RECORD: RecordName = { c: '', id: '' };

export function measureSpace(
  session: Session,
  statements: Statements,
  space: string,
  from: MeasuredPlace | null,
  max: number,
): Promise<Measured> {
  const place = from ?? { lsn: 0 };
  return 'lsn' in place
    ? measureLog(session, statements, space, place.lsn, max)
    : measureRecords(session, statements, space, place.record, max);
}

interface LogSize {
  readonly rows: number;
  readonly bytes: number;
  readonly last: number | null;
}

async function measureLog(
  session: Session,
  { logSize }: Statements,
  space: string,
  after: number,
  max: number,
): Promise<Measured> {
  const [row] = await session.query<LogSize>(logSize, [space, after, max]);
  const { rows, bytes, last } = row!;
  return { rows, records: 0, bytes, next: rows < max ? { record: FIRST_RECORD } : { lsn: last! } };
}

async function measureRecords(
  session: Session,
  { recordSizes }: Statements,
  space: string,
  { c, id }: RecordName,
  max: number,
): Promise<Measured> {
  const rows = await session.query<RecordName & { readonly bytes: number }>(recordSizes, [space, c, id, max]);
  const last = rows.at(-1);
  return {
    rows: rows.length,
    records: rows.length,
    bytes: rows.reduce((sum, row) => sum + row.bytes, 0),
    next: last === undefined || rows.length < max ? null : { record: { c: last.c, id: last.id } },
  };
}
