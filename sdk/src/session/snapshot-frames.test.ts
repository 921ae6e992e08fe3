import { expect, test } from 'vitest';

import type { Bootstrap, Snapshot } from '../protocol/messages.ts';
import { ingested, page, SessionRunner, SID, welcome } from './session.fixture.ts';

const BOOTSTRAP: Bootstrap = {
  id: 'snapshot-1',
  why: 'truncated',
  cursor: { [SID]: 7 },
  chain: {},
  topology: { members: {}, evicted: {} },
  digest: '',
  known: {},
  pieces: 1,
  records: 0,
  from: 0,
};
const PIECE: Snapshot = { type: 'snapshot', id: BOOTSTRAP.id, piece: 0, records: [], writers: [], recent: [] };

test('[SE73] a last piece that came twice is passed over, and the pages behind it are taken', () => {
  const s = new SessionRunner().greet().hear(welcome({ bootstrap: BOOTSTRAP }));
  s.hear(PIECE).hear(PIECE).hear(page(8));
  expect(s.all.filter((effect) => effect.type === 'ingest-snapshot')).toHaveLength(1);
  s.link({ type: 'snapshot-ingested', result: ingested(BOOTSTRAP.cursor) });
  expect(s.state.phase).toBe('live');
  expect(s.of('ingest').map((effect) => effect.page.cursor)).toEqual([{ [SID]: 8 }]);
});
