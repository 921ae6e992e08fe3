import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { hashOfChange, type Change } from '../core/change.ts';
import { digestOfRecord, digestText, EMPTY_DIGEST, exchange, type Digest } from '../core/digest.ts';
import { dotOf, type Dot } from '../core/dot.ts';
import { contentOfRecord } from '../core/record-json.ts';
import { commonHorizon, knownEverywhere } from '../core/topology.ts';
import { compact, copySpace, transact } from '../testing/memory-space.ts';
import { greet } from './handshake.ts';
import { evict, publish, welcomeMember, type Retention } from './retention.ts';
import { changeOn, creation, incNamed, NOW_MS, ROW, sidOf, SpaceServer } from './space.fixture.ts';

const [A, B, C] = ['a', 'b', 'c'].map(sidOf) as [string, string, string];
const HOUR_MS = 3_600_000;
const RETENTION: Retention = { tombstoneMs: HOUR_MS, logMs: HOUR_MS };

const dot = (name: string, seq = 1): string => dotOf(incNamed(name), seq);

function publishAt(server: SpaceServer, nowMs: number): boolean {
  const published = transact(server.disk, server.sid, (view) => publish(view, nowMs, RETENTION));
  compact(server.disk, nowMs, RETENTION);
  return published;
}

/** The sum of digests of all records, counted anew. */
function digestOf({ disk }: SpaceServer): string {
  const sum = [...disk.records].reduce<Digest>((digest, [key, record]) => {
    const [collection, id] = key.split('\u0000') as [string, string];
    return exchange(digest, EMPTY_DIGEST, digestOfRecord(collection, id, record));
  }, EMPTY_DIGEST);
  return digestText(sum);
}

function contentsOf({ disk }: SpaceServer): string[] {
  return [...disk.records].map(([key, record]) => `${key} ${contentOfRecord(record)}`).sort();
}

describe('the log of several servers', { timeout: 30_000 }, () => {
  it('[LOG1] an entry keeps its first stamp on every server, and each has it once', () => {
    const [a, b, c] = ring('a', 'b', 'c');
    a.push(creation('x'));
    b.push(creation('y'));
    for (let round = 0; round < 3; round++) for (const [to, from] of pairsOf(a, b, c)) to.pull(from);
    for (const server of [a, b, c]) expect(server.words.toSorted()).toEqual([dot('x'), dot('y')]);
    expect(c.disk.log.map(({ stamp }) => stamp)).toEqual(
      expect.arrayContaining([
        [A, 1],
        [B, 1],
      ]),
    );
    expect([a, b, c].map(({ cursor }) => cursor)).toEqual(Array.from({ length: 3 }, () => ({ [A]: 1, [B]: 1 })));
  });

  it('[LOG2] a change that two servers admitted has happened once: the second stamp is an alias', () => {
    const [a, b] = ring('a', 'b');
    a.push(creation('x'));
    b.push(creation('x'), creation('x', 2, 'other'));
    a.pull(b);
    b.pull(a);
    expect(a.words).toEqual([dot('x'), `alias ${dot('x')}`, dot('x', 2)]);
    expect(b.words).toEqual([dot('x'), dot('x', 2), `alias ${dot('x')}`]);
    expect(contentsOf(a)).toEqual(contentsOf(b));
    expect(a.disk.records.get(`notes\u0000${ROW}`)!.counters.get('likes#c')).toBe(1);
  });

  it('[LOG8] a change that two servers have under different clock stamps has the greater one everywhere', () => {
    const late = { ...creation('x'), hlc: creation('x').hlc + 5 };
    for (const [first, second] of [
      [creation('x'), late],
      [late, creation('x')],
    ] as const) {
      const [a, b, c] = ring('a', 'b', 'c');
      a.push(first);
      b.push(second);
      c.pull(a);
      a.pull(b);
      b.pull(a);
      c.pull(a);
      for (const server of [a, b, c]) {
        expect(server.disk.records.get(`notes\u0000${ROW}`)!.rv).toEqual([{ dot: late.dot, hlc: late.hlc }]);
        expect(digestText(server.disk.meta.digest)).toBe(digestOf(server));
        expect(digestText(server.disk.meta.digest)).toBe(digestText(a.disk.meta.digest));
      }
    }
  });

  it('[LOG9] a claim that two servers have numbered has both numbers everywhere, whichever came first', () => {
    const claim = (name: string, pred: readonly Dot[] = []): Change =>
      changeOn(ROW, dot(name), [{ t: 'set', p: 'seat', v: name, pred, claim: 'home' }]);
    const [a, b, c, d] = ring('a', 'b', 'c', 'd');
    a.push(creation('x'), claim('y'));
    b.push(creation('x'), claim('y'));
    for (const [to, from] of [
      [c, b],
      [a, b],
      [b, a],
      [c, a],
      [d, c],
    ] as const)
      to.pull(from);
    for (const server of [a, b, c, d]) {
      expect(server.disk.records.get(`notes\u0000${ROW}`)!.cells.get('seat')).toMatchObject([
        {
          v: 'y',
          stamps: [
            [A, 2],
            [B, 2],
          ],
        },
      ]);
      // What claims nothing is passed on as an alias alone.
      const aliases = server.disk.log.filter(({ kind }) => kind === 'alias');
      expect(aliases.map(({ dot: of, text }) => [of, text === null])).toEqual([
        [dot('x'), true],
        [dot('y'), false],
      ]);
      expect(digestText(server.disk.meta.digest)).toBe(digestText(a.disk.meta.digest));
    }
  });

  it('[LOG3] what depends on another server waits until its entries are here', () => {
    const [a, b] = ring('a', 'b');
    a.push(creation('x'));
    const later = creation('y', 1, 'other', { deps: { [A]: 1 } });
    expect(b.push(later).refused?.code).toBe('BEHIND');
    b.pull(a);
    expect(b.push(later).refused).toBeUndefined();
  });

  it('[LOG4] a page that does not follow is refused whole; one dot with two contents is told, and the stream goes on (pitfall 45)', () => {
    const [a, b] = ring('a', 'b');
    a.push(creation('x'), creation('y'));
    const [, second] = a.disk.log;
    const skipped = new SpaceServer('a', ['a', 'b']);
    skipped.disk.log = [second!];
    expect(b.pull(skipped).type).toBe('out-of-step');
    expect(b.words).toEqual([]);
    b.push({ ...creation('x'), label: 'other content' });
    expect(b.pull(a)).toMatchObject({ type: 'taken', clashes: [{ dot: dot('x') }] });
    expect(b.words).toEqual([dot('x'), `alias ${dot('x')}`, dot('y')]);
  });

  it('[LOG5] the digest of a space is the sum over its records, whatever way they came', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(2), fc.nat(3), fc.nat(3)), { maxLength: 25 }), (steps) => {
        const servers = ring('a', 'b', 'c');
        const seqs = new Map<string, number>();
        for (const [at, what, row] of steps) {
          const server = servers[at]!;
          if (what === 0) server.pull(servers[(at + 1) % 3]!, 2);
          else {
            const seq = (seqs.get(`w${at}`) ?? 0) + 1;
            seqs.set(`w${at}`, seq);
            server.push(creation(`w${at}`, seq, `row ${row}`));
          }
        }
        for (let round = 0; round < 3; round++) for (const [to, from] of pairsOf(...servers)) to.pull(from);
        for (const server of servers) {
          expect(digestText(server.disk.meta.digest)).toBe(digestOf(server));
          expect(contentsOf(server)).toEqual(contentsOf(servers[0]));
        }
      }),
    );
  });

  it('[LOG6] two histories of one stream have different chain hashes, the same one the same', () => {
    const [a, b] = ring('a', 'b');
    a.push(creation('x'), creation('y'));
    b.pull(a);
    expect(b.disk.meta.chain).toEqual(a.disk.meta.chain);
    const other = new SpaceServer('a', ['a', 'b']);
    other.push(creation('x'), creation('z'));
    expect(other.disk.meta.chain[A]).not.toBe(a.disk.meta.chain[A]);
    expect(other.disk.log[0]!.chain).toBe(a.disk.log[0]!.chain);
  });

  it('[LOG6] a change that one server has as an alias of another stream makes no difference', () => {
    const [a, b] = ring('a', 'b');
    a.push(creation('x'));
    b.push(creation('x'));
    a.pull(b);
    b.pull(a);
    expect(a.disk.log.map(({ kind }) => kind)).toEqual(['change', 'alias']);
    expect(b.disk.meta.chain).toEqual(a.disk.meta.chain);
  });
});

describe('publications and the horizon', { timeout: 30_000 }, () => {
  it('[RET1] a server publishes data, never control entries alone: two idle servers fall silent (pitfall 39)', () => {
    const [a, b] = ring('a', 'b');
    a.push(creation('x'));
    let published = 0;
    for (let round = 0; round < 10; round++) {
      b.pull(a);
      a.pull(b);
      for (const server of [a, b])
        if (transact(server.disk, server.sid, (view) => publish(view, NOW_MS, RETENTION))) published++;
    }
    expect(published).toBe(2);
  });

  it('[RET1] so does a server alone: when its horizon covers the data, its own publications move it no further', () => {
    const server = new SpaceServer('a');
    for (let seq = 1; seq <= 10; seq++) {
      server.push(creation('x', seq));
      publishAt(server, NOW_MS + (seq * HOUR_MS) / 10);
    }
    let [published, lastMs] = [0, 0];
    for (let ms = NOW_MS + HOUR_MS; ms < NOW_MS + 20 * HOUR_MS; ms += HOUR_MS / 100) {
      if (publishAt(server, ms)) [published, lastMs] = [published + 1, ms];
    }
    expect(published).toBe(10);
    expect(lastMs).toBeLessThanOrEqual(NOW_MS + 2 * HOUR_MS);
    expect(commonHorizon(server.disk.meta.topology)).toEqual({ [A]: 10 });
    expect(server.disk.meta.history.length).toBeLessThanOrEqual(10);
  });

  it('[RET2] known everywhere is what every member has published or numbered itself', () => {
    const [a, b] = ring('a', 'b');
    a.push(creation('x'));
    expect(knownEverywhere(a.disk.meta.topology, a.cursor)).toEqual({});
    b.pull(a);
    publishAt(b, NOW_MS);
    a.pull(b);
    expect(knownEverywhere(a.disk.meta.topology, a.cursor)[A]).toBe(1);
    const alone = new SpaceServer('a');
    alone.push(creation('x'));
    expect(knownEverywhere(alone.disk.meta.topology, alone.cursor)).toEqual(alone.cursor);
  });

  it('[RET3] a deleted record is forgotten when every server has promised; what edits it then is GONE, and before LIMBO (pitfall 33)', () => {
    const [a, b] = ring('a', 'b');
    a.push(creation('x'), deletion('x', 2));
    b.pull(a);
    publishAt(a, NOW_MS);
    const laterMs = NOW_MS + 2 * HOUR_MS;
    expect(publishAt(a, laterMs)).toBe(true);
    const late = changeOn(ROW, dot('y'), [{ t: 'set', p: 'title', v: 'late', pred: [] }]);
    expect(a.push(late).refused).toMatchObject({ code: 'LIMBO', record: { c: 'notes', id: ROW } });
    publishAt(b, NOW_MS);
    publishAt(b, laterMs);
    a.pull(b);
    expect(commonHorizon(a.disk.meta.topology)[A]).toBe(2);
    expect(a.push(late).refused?.code).toBe('GONE');
    compact(a.disk, laterMs, RETENTION);
    expect(a.disk.records.size).toBe(0);
    expect(a.push(late).refused?.code).toBe('GONE');
    expect(digestText(a.disk.meta.digest)).toBe(digestOf(a));
  });

  it('[RET8] what one server has promised the other promises next, though the point that it remembers is a moment younger', () => {
    const [a, b] = ring('a', 'b');
    a.push(creation('x'), deletion('x', 2));
    b.pull(a);
    const stepMs = HOUR_MS / 64;
    for (const [server, ms] of [
      [a, 0],
      [b, stepMs / 2],
    ] as const)
      publishAt(server, NOW_MS + ms);
    publishAt(a, NOW_MS + HOUR_MS);
    const late = changeOn(ROW, dot('y'), [{ t: 'set', p: 'title', v: 'late', pred: [] }]);
    expect(a.push(late).refused?.code).toBe('LIMBO');
    expect(publishAt(b, NOW_MS + HOUR_MS), 'it does not know of it').toBe(false);
    b.pull(a);
    expect(publishAt(b, NOW_MS + HOUR_MS)).toBe(true);
    a.pull(b);
    expect(a.push(late).refused?.code).toBe('GONE');
    expect([publishAt(a, NOW_MS + HOUR_MS), b.pull(a), publishAt(b, NOW_MS + HOUR_MS)][2], 'silent').toBe(false);
  });

  it('[RET8] a promise that comes a step too early, from a wrong clock say, is not followed', () => {
    const [a, b] = ring('a', 'b');
    a.push(creation('x'), deletion('x', 2));
    b.pull(a);
    for (const server of [a, b]) publishAt(server, NOW_MS);
    publishAt(a, NOW_MS + 2 * HOUR_MS);
    b.pull(a);
    const nearlyMs = NOW_MS + HOUR_MS - HOUR_MS / 64 - 1;
    publishAt(b, nearlyMs);
    expect(commonHorizon(b.disk.meta.topology)).toEqual({});
    publishAt(b, nearlyMs + 1);
    expect(commonHorizon(b.disk.meta.topology)[A]).toBe(2);
  });

  it('[RET7] a delete with two stamps: an edit that had not seen it is refused at either server, and both forget it', () => {
    const [a, b] = ring('a', 'b');
    a.push(creation('x'));
    b.pull(a);
    a.push(deletion('x', 2));
    b.push(deletion('x', 2));
    const late = changeOn(ROW, dot('y'), [{ t: 'set', p: 'title', v: 'late', pred: [] }]);
    a.pull(b);
    // What b promises first covers its own stamp of the delete, not the one that a has.
    for (const hours of [0, 2]) publishAt(b, NOW_MS + hours * HOUR_MS);
    expect(b.push(late).refused?.code).toBe('LIMBO');
    for (const hours of [0, 2]) publishAt(a, NOW_MS + hours * HOUR_MS);
    const codes = [a.push(late).refused?.code];
    b.pull(a);
    a.pull(b);
    const horizons = [a, b].map(({ disk }) => commonHorizon(disk.meta.topology));
    expect(horizons[0]).toEqual(horizons[1]);
    expect(horizons[0], 'one of the two stamps is behind the horizon, the other is not').toEqual({ [A]: 1, [B]: 1 });
    codes.push(a.push(late).refused?.code, b.push(late).refused?.code);
    expect(codes).toEqual(['LIMBO', 'LIMBO', 'GONE']);
    for (const hours of [4, 6]) {
      for (const server of [a, b]) publishAt(server, NOW_MS + hours * HOUR_MS);
      b.pull(a);
      a.pull(b);
    }
    for (const server of [a, b]) {
      compact(server.disk, NOW_MS + 6 * HOUR_MS, RETENTION);
      expect(server.push(late).refused?.code).toBe('GONE');
      expect(server.disk.records.size).toBe(0);
    }
    expect(digestText(a.disk.meta.digest)).toBe(digestText(b.disk.meta.digest));
  });

  it('[RET4] an id that somebody chose keeps its tombstone (pitfall 36)', () => {
    const a = new SpaceServer('a');
    a.push(creation('x', 1, 'settings'), deletion('x', 2, 'settings'));
    for (const hours of [0, 2, 4]) publishAt(a, NOW_MS + hours * HOUR_MS);
    expect(a.disk.records.size).toBe(1);
    expect(
      a.push(changeOn('settings', dot('y'), [{ t: 'life', v: 'live', pred: [dot('x', 2)] }])).refused,
    ).toBeUndefined();
  });

  it('[RET5] only what every server knows, and what is old enough, is cut from the log', () => {
    const [a, b] = ring('a', 'b');
    a.push(creation('x'));
    for (const hours of [0, 2, 4]) publishAt(a, NOW_MS + hours * HOUR_MS);
    expect(a.words).toContain(dot('x'));
    b.pull(a);
    publishAt(b, NOW_MS);
    a.pull(b);
    a.push(creation('new'));
    publishAt(a, NOW_MS + 6 * HOUR_MS);
    expect(a.words).not.toContain(dot('x'));
    expect(a.words).toContain(dot('new'));
    expect(a.disk.meta.truncated[A]).toBeGreaterThanOrEqual(1);
    expect(a.push(creation('x')).refused, 'the registry outlives the log').toBeUndefined();
    expect(a.disk.known.get(incNamed('x'))!.seq).toBe(1);
  });

  it('[RET6] a server that is gone is waited for no more; one that joins is', () => {
    const [a, b] = ring('a', 'b', 'c');
    a.push(creation('x'));
    b.pull(a);
    publishAt(b, NOW_MS);
    a.pull(b);
    expect(knownEverywhere(a.disk.meta.topology, a.cursor)).toEqual({});
    transact(a.disk, A, (view) => evict(view, C));
    expect(knownEverywhere(a.disk.meta.topology, a.cursor)[A]).toBe(1);
    transact(a.disk, A, (view) => welcomeMember(view, sidOf('d')));
    expect(knownEverywhere(a.disk.meta.topology, a.cursor)).toEqual({});
  });
});

describe('what a hello is answered', { timeout: 30_000 }, () => {
  const server = new SpaceServer('a', ['a', 'b']);
  server.push(creation('x'), creation('y'), creation('z'));
  const chainOf = (n: number): string => server.disk.log[n - 1]!.chain;
  const answer = (cursor: Record<string, number>, chain: Record<string, string> = {}, at = server) =>
    greet(
      { cursor, chain },
      { sid: at.sid, meta: at.disk.meta, chainAt: (sid, n) => (sid === A ? at.disk.log[n - 1]?.chain : undefined) },
    );

  it('[HEL1] a cursor within the log goes on with it, also one that has more from another server', () => {
    expect(answer({})).toEqual({ type: 'log' });
    expect(answer({ [A]: 3 }, { [A]: chainOf(3) })).toEqual({ type: 'log' });
    expect(answer({ [A]: 1, [B]: 7 })).toEqual({ type: 'log' });
  });

  it('[HEL2] a cursor of servers that nobody knows is another history', () => {
    expect(answer({ [C]: 1 }).type).toBe('replaced');
    expect(answer({ [C]: 0 }).type).toBe('log');
  });

  it('[HEL3] more than there is, or another chain hash, is a fork (pitfall 44)', () => {
    expect(answer({ [A]: 4 })).toEqual({ type: 'snapshot', why: 'forked' });
    expect(answer({ [A]: 2 }, { [A]: chainOf(3) })).toEqual({ type: 'snapshot', why: 'forked' });
  });

  it('[HEL4] what was written off ends where it was written off', () => {
    const survivor = new SpaceServer('a', ['a', 'b']);
    survivor.disk = copySpace(server.disk);
    transact(survivor.disk, A, (view) => evict(view, B));
    expect(answer({ [A]: 1, [B]: 1 }, {}, survivor)).toEqual({ type: 'snapshot', why: 'forked' });
    expect(answer({ [A]: 1 }, {}, survivor)).toEqual({ type: 'log' });
  });

  it('[HEL5] behind the cut a snapshot is needed, and not given by a server that would take something back (pitfall 41)', () => {
    const cut = new SpaceServer('a', ['a', 'b']);
    cut.disk = { ...copySpace(server.disk), meta: { ...server.disk.meta, truncated: { [A]: 2 } } };
    expect(answer({ [A]: 1 }, {}, cut)).toEqual({ type: 'snapshot', why: 'truncated' });
    expect(answer({ [A]: 1, [B]: 1 }, {}, cut).type).toBe('behind');
    expect(answer({ [A]: 2 }, {}, cut)).toEqual({ type: 'log' });
  });
});

describe('a change that was taken back', { timeout: 30_000 }, () => {
  it('[ADM11] counts as what it was: the original is a duplicate, its place in the row of its writer is kept', () => {
    const a = new SpaceServer('a');
    const original = creation('x');
    const empty: Change = { dot: original.dot, hlc: original.hlc, was: hashOfChange(original), recs: [] };
    expect(a.push(empty).accepted).toEqual([original.dot]);
    expect(a.push(original)).toMatchObject({ accepted: [], known: { [incNamed('x')]: 1 } });
    expect(a.push({ ...original, label: 'another' }).refused?.code).toBe('EQUIVOCATION');
    expect(a.push(creation('x', 2)).refused).toBeUndefined();
  });

  /** `a` has the change, `b` what is left of it. */
  function apart(): { readonly a: SpaceServer; readonly b: SpaceServer; readonly c: SpaceServer } {
    const [a, b, c] = ring('a', 'b', 'c');
    a.push(creation('x'));
    b.push(emptied(creation('x')));
    return { a, b, c };
  }

  it('[LOG10] content that another server has taken is applied once, whichever comes first, and passed on', () => {
    for (const isVoidFirst of [true, false]) {
      const { a, b, c } = apart();
      c.pull(isVoidFirst ? b : a);
      c.pull(isVoidFirst ? a : b);
      for (let round = 0; round < 3; round++) for (const [to, from] of pairsOf(a, b, c)) to.pull(from);
      const [wanted] = contentsOf(a);
      expect(wanted).toContain('"likes#c":1');
      for (const server of [a, b, c]) {
        expect(contentsOf(server)).toEqual([wanted]);
        expect(digestText(server.disk.meta.digest)).toBe(digestOf(server));
        expect(server.disk.known.get(incNamed('x'))).toEqual({ seq: 1, owner: null });
      }
      const late = new SpaceServer('d', ['a', 'b', 'c']);
      late.pull(b);
      expect(contentsOf(late)).toEqual([wanted]);
    }
  });

  it('[LOG10] two servers that have taken it bring it once', () => {
    const { a, b, c } = apart();
    c.push(creation('x'));
    b.pull(a);
    b.pull(c);
    expect(contentsOf(b)).toEqual(contentsOf(a));
    expect(b.words).toEqual([dot('x'), `alias ${dot('x')}`, `alias ${dot('x')}`]);
  });

  it('[ADM12] what names it is WITHDRAWN, also when the log has been cut; the rest goes on', () => {
    const a = new SpaceServer('a');
    a.push(emptied(creation('x')));
    a.disk.hashes.clear();
    a.disk.log = [];
    const naming = (rv: readonly string[], pred: readonly string[]): Change => ({
      ...creation('y'),
      recs: [{ c: 'notes', id: 'n', rv, ops: [{ t: 'set', p: 'title', v: 1, pred }] }],
    });
    expect(a.push(naming([dot('x')], [])).refused?.code).toBe('WITHDRAWN');
    expect(a.push(naming([], [dot('x')])).refused?.code).toBe('WITHDRAWN');
    expect(a.push(naming([dot('x', 2)], [])).refused).toBeUndefined();
  });

  it('[ADM12] not so where all that it wrote was of a forgotten record', () => {
    const a = new SpaceServer('a');
    a.push({ ...emptied(creation('x')), kind: 'recover' });
    expect(a.push(changeOn('n', dot('y'), [{ t: 'set', p: 'title', v: 1, pred: [dot('x')] }])).refused).toBeUndefined();
  });
});

function emptied(change: Change): Change {
  return { dot: change.dot, hlc: change.hlc, was: hashOfChange(change), recs: [] };
}

function deletion(name: string, seq: number, id = ROW): Change {
  return {
    dot: dot(name, seq),
    hlc: creation(name).hlc,
    recs: [{ c: 'notes', id, rv: [dot(name, seq - 1)], ops: [{ t: 'life', v: 'dead', pred: [dot(name, seq - 1)] }] }],
  };
}

function ring<Names extends readonly string[]>(...names: Names): { [K in keyof Names]: SpaceServer } {
  return names.map((name) => new SpaceServer(name, names)) as { [K in keyof Names]: SpaceServer };
}

function pairsOf(...servers: readonly SpaceServer[]): (readonly [SpaceServer, SpaceServer])[] {
  return servers.map((server, i) => [server, servers[(i + 1) % servers.length]!] as const);
}
