/** How large a space is, in parts: the lengths stand beside the texts, so these are not read. */
import type { Measured, MeasuredPlace, RecordName } from '../port.ts';
import type { Statements } from './statements.ts';

const NOTHING: Measured = { rows: 0, records: 0, bytes: 0, next: null };
const FIRST_RECORD: RecordName = { c: '', id: '' };

export function measureSpace(statements: Statements, name: string, from: MeasuredPlace | null, max: number): Measured {
  const space = statements.spaceId.get(name) as number | undefined;
  if (space === undefined) return NOTHING;
  const place = from ?? { lsn: 0 };
  return 'lsn' in place
    ? measureLog(statements, space, place.lsn, max)
    : measureRecords(statements, space, place.record, max);
}

interface LogSize {
  readonly rows: number;
  readonly bytes: number;
  readonly last: number | null;
}

function measureLog(statements: Statements, space: number, after: number, max: number): Measured {
  const { rows, bytes, last } = statements.logSize.get(space, after, max) as LogSize;
  return { rows, records: 0, bytes, next: rows < max ? { record: FIRST_RECORD } : { lsn: last! } };
}

function measureRecords(statements: Statements, space: number, { c, id }: RecordName, max: number): Measured {
  const rows = statements.recordSizesBehind.all(space, c, id, max) as (RecordName & { readonly bytes: number })[];
  const last = rows.at(-1);
  return {
    rows: rows.length,
    records: rows.length,
    bytes: rows.reduce((sum, row) => sum + row.bytes, 0),
    next: last === undefined || rows.length < max ? null : { record: { c: last.c, id: last.id } },
  };
}
