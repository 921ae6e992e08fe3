import { expect, it } from 'vitest';

import { decodeServerMessage } from './codec.ts';
import { DEFAULT_LIMITS } from './limits.ts';

const SID = 'SSSSSSSSSSS';
const ENTRY = { stamp: [SID, 1], dot: 'AAAAAAAAAAAAAAAA.1' };
const decode = (entries: readonly unknown[], rest: object = {}): unknown =>
  decodeServerMessage(
    JSON.stringify({ type: 'page', entries, cursor: { [SID]: 9 }, head: { [SID]: 9 }, ...rest }),
    DEFAULT_LIMITS,
  );

it('[FWD6] a page is taken up to the first entry of a kind that is not known here, whatever that looks like', () => {
  const later = { kind: 'fence', at: { x: 1 } };
  expect(decode([ENTRY, later, { kind: 'other' }])).toMatchObject({
    type: 'ok',
    message: { entries: [ENTRY], laterKind: 'fence' },
  });
  expect(decode([{ ...ENTRY, kind: 'alias' }])).toMatchObject({ message: { entries: [], laterKind: 'alias' } });
});

it('[FWD6] what only looks like it is a bad frame, and nobody else says where a page is cut', () => {
  expect(decode([{ kind: 7 }])).toMatchObject({ type: 'bad', code: 'BAD_FRAME' });
  expect(decode([{ kind: '' }])).toMatchObject({ type: 'bad', code: 'BAD_FRAME' });
  expect(decode([{ kind: 'x'.repeat(65) }])).toMatchObject({ type: 'bad', code: 'BAD_FRAME' });
  const said = decode([ENTRY], { laterKind: 'fence' }) as { message: object };
  expect(Object.hasOwn(said.message, 'laterKind')).toBe(false);
});
