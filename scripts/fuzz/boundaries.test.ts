/** What keeps to the form and contradicts itself: whole devices and sessions stay sound, and say so. */
import 'fake-indexeddb/auto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { checkChange } from '../../sdk/src/protocol/check-change.ts';
import type { Change } from '../../sdk/src/core/change.ts';
import { MAX_LEAD_MS, msOf } from '../../sdk/src/core/clock.ts';
import { canonicalState } from '../../sdk/src/core/history.fixture.ts';
import { findJsonProblem } from '../../sdk/src/lib/json.ts';
import { seededRandom } from '../../sdk/src/lib/random.ts';
import { compileCollection } from '../../sdk/src/policies/registry.ts';
import { encodeMessage, type StoredEntry } from '../../sdk/src/protocol/codec.ts';
import { DEVICE_FRAMES } from '../../sdk/src/protocol/frames.fixture.ts';
import { DEFAULT_LIMITS } from '../../sdk/src/protocol/limits.ts';
import type { ServerEvent, ServerSession } from '../../sdk/src/session/server-events.ts';
import { newServerSession, stepServer } from '../../sdk/src/session/server-session.ts';
import { currentState } from '../../sdk/src/store/layout.ts';
import { emptyDisk, MemoryDevice } from '../../sdk/src/store/memory-device.ts';
import { testDevice } from '../../sdk/src/store/devices.fixture.ts';
import { fuzz, TIMEOUT_MS } from './fuzz.fixture.ts';
import { damaged, INCS, log, pageOf, SID } from './hostile.fixture.ts';

const NOW = 1_800_000_000_000;
const PLAN = {
  name: 'notes',
  fields: {
    title: { kind: 'ask' },
    body: { kind: 'text' },
    score: { kind: 'max' },
    claim: { kind: 'fww' },
    constructor: { kind: 'lww' },
    tags: { kind: 'set' },
    likes: { kind: 'counter' },
  },
  groups: [['room', 'start', 'end']],
  onDeleteVsEdit: 'ask',
  indexes: [],
} as const;
const SCHEMAS = new Map([
  [PLAN.name, compileCollection(PLAN)],
  // A collection may be called as every object's property is.
  ['toString', compileCollection({ ...PLAN, name: 'toString' })],
]);
const IDS = ['n', 'constructor'] as const;
const EVERYTHING = { changes: 1_000, bytes: 1e9 };

function newDevice(): MemoryDevice {
  const options = { schemas: SCHEMAS, user: { id: 'u' }, nowMs: () => NOW, random: seededRandom(1) };
  return new MemoryDevice({ ...options, disk: emptyDisk('d') });
}

/** Everything that a device holds of what it pulled, as text that is equal for equal states. */
function stateOf(device: MemoryDevice): readonly string[] {
  const records = [...device.disk.records].map(([key, row]) => `${key} ${canonicalState(currentState(row)!)}`);
  const rows = [...device.disk.rows].map(([key, row]) => `${key} ${JSON.stringify(Object.entries(row).sort())}`);
  return [...records, ...rows, ...device.disk.conflicts.keys()].sort();
}

/** Edits every row in every kind of field; what a server would not take is not saved, and the device says so itself. */
function editAll(device: MemoryDevice, round: number): void {
  for (const collection of SCHEMAS.keys()) {
    for (const id of IDS) {
      const edit = (shown: object | undefined) => {
        const { likes = 0, tags = [] } = (shown ?? {}) as { likes?: number; tags?: readonly string[] };
        const counted = likes > 1_000 ? likes - 1 : likes + 1;
        return {
          ...shown,
          id,
          title: `t${round}`,
          constructor: round,
          likes: counted,
          tags: [...tags, `mine${round}`],
          room: 1,
          end: 2,
        };
      };
      device.write([[{ collection, id, edit }]]);
      expect(device.row(collection, id)).toMatchObject({ title: `t${round}`, room: 1, end: 2 });
    }
  }
}

describe('hostile pages', { timeout: TIMEOUT_MS }, () => {
  it('[FZP7] are applied alike in one piece and in many; every row is sound, no clock is led astray, and the device goes on', async () => {
    const property = fc.property(log, fc.nat(), (changes, cut) => {
      const [whole, pieces] = [newDevice(), newDevice()];
      const at = cut % changes.length;
      expect(whole.ingest(pageOf(changes), [SID])).toMatchObject({ type: 'ingested' });
      pieces.ingest(pageOf(changes.slice(0, at)), [SID]);
      pieces.ingest(pageOf(changes), [SID]);
      expect(stateOf(pieces)).toEqual(stateOf(whole));
      for (const row of whole.disk.rows.values()) {
        expect(findJsonProblem(row)).toBe(null);
        expect(Number.isSafeInteger(row['likes'])).toBe(true);
      }
      expect(msOf(whole.disk.replica.hlc)).toBeLessThanOrEqual(NOW + MAX_LEAD_MS);
      editAll(whole, 1);
      editAll(whole, 2);
      const own = whole.readOutbox(null, EVERYTHING).map((item) => item.change);
      for (const change of own) {
        expect(checkChange(JSON.parse(JSON.stringify(change)), DEFAULT_LIMITS)).toMatchObject({ type: 'ok' });
      }
      // Confirmed by the log, with what was pending under it: the same as somebody who only reads.
      const rest = pageOf(
        own.map(({ deps: _deps, ex: _ex, ...change }) => change),
        changes.length,
      );
      expect(whole.ingest(rest, [SID])).toMatchObject({ confirmed: own.length });
      pieces.ingest(rest, [SID]);
      expect(stateOf(whole)).toEqual(stateOf(pieces));
      expect(whole.disk.replica.outbox).toEqual({ changes: 0, bytes: 0 });
    });
    await fuzz('hostile pages', property, { runs: 300 });
  });

  it('[FZP8] that do not continue, or take the device for somebody else, change nothing', async () => {
    const property = fc.property(log, fc.integer({ min: 2, max: 2 ** 52 }), (changes, gap) => {
      const device = newDevice();
      editAll(device, 1);
      const before = [device.disk.replica, stateOf(device)] as const;
      const far = pageOf(changes, gap - 1);
      expect(device.ingest(far, [SID])).toMatchObject({ type: 'out-of-step' });
      const bare = pageOf(changes).entries.flatMap((entry) =>
        'control' in entry ? [] : [{ stamp: entry.stamp, dot: entry.dot }],
      );
      expect(device.ingest({ ...pageOf(changes), entries: bare }, [SID])).toMatchObject({ type: 'out-of-step' });
      expect([device.disk.replica, stateOf(device)]).toEqual(before);
    });
    await fuzz('pages out of step', property, { runs: 300 });
  });

  it('[ING11] other content under a dot of its own is applied, and what was written here is kept beside the rows', () => {
    const device = newDevice();
    device.write([[{ collection: 'notes', id: 'n', row: { id: 'n', title: 'mine' } }]]);
    const [own] = device.readOutbox(null, EVERYTHING);
    const { deps: _deps, ...change } = own!.change;
    const recs = [{ c: 'notes', id: 'other', rv: [], ops: [{ t: 'life', v: 'live', pred: [] }] }] as const;
    expect(device.ingest(pageOf([{ ...change, recs }]), [SID])).toMatchObject({ applied: 1, confirmed: 0 });
    // No server would ever take it: the place is taken.
    expect(device.readOutbox(null, EVERYTHING)).toEqual([]);
    expect(device.row('notes', 'n')).toBeUndefined();
    const [rejected, ...others] = device.disk.rejected.values();
    expect(others).toEqual([]);
    expect(rejected).toMatchObject({ rowId: 'n', error: { code: 'EQUIVOCATION' }, parts: [{ rec: change.recs[0] }] });
  });

  it('[ING12] an own change that comes back with its content has come back', () => {
    const device = newDevice();
    device.write([[{ collection: 'notes', id: 'n', row: { id: 'n', title: 'mine' } }]]);
    const { deps: _deps, ...change } = device.readOutbox(null, EVERYTHING)[0]!.change;
    expect(device.ingest(pageOf([{ ...change, hlc: 1 }]), [SID])).toMatchObject({ confirmed: 1 });
    expect(device.readOutbox(null, EVERYTHING)).toEqual([]);
    expect([device.row('notes', 'n'), device.disk.rejected.size]).toMatchObject([{ title: 'mine' }, 0]);
  });

  it('[FZP9] leave the same in IndexedDB as in memory', async () => {
    const collections = { plan: PLAN as never, nowMs: () => NOW };
    const property = fc.asyncProperty(log, async (changes) => {
      const [device, inMemory] = [await testDevice('anna', collections), newDevice()];
      const page = pageOf(changes.map(onlyNotes));
      expect(await device.store.ingest(page, [SID])).toMatchObject({ type: 'ingested' });
      inMemory.ingest(page, [SID]);
      for (const id of IDS) {
        const stored = (await device.db.dexie.table('notes').get(id)) as unknown;
        expect(stored).toEqual(inMemory.row('notes', id));
        await device.db.dexie.table('notes').put({ ...(stored as object), id, title: 'mine', likes: 0, tags: [] });
      }
      for (const { change } of await device.store.readOutbox(null, EVERYTHING)) {
        expect(checkChange(JSON.parse(JSON.stringify(change)), DEFAULT_LIMITS)).toMatchObject({ type: 'ok' });
      }
      device.close();
    });
    await fuzz('hostile pages in IndexedDB', property, { runs: 60 });
  });

  it('[FZP10] a thousand siblings are kept, shown in time, and settled by one write', { timeout: TIMEOUT_MS }, () => {
    for (const path of ['title', 'constructor', 'claim', 'score', 'end+room+start']) {
      const device = newDevice();
      const changes = Array.from({ length: 1_000 }, (_, i): Change => {
        const v = path.includes('+') ? { room: i } : `v${i}`;
        const ops = [
          { t: 'life', v: 'live', pred: [] },
          { t: 'set', p: path, v, pred: [] },
        ] as const;
        return { dot: `S${String(i).padStart(15, '0')}.1`, hlc: i, recs: [{ c: 'notes', id: 'n', rv: [], ops }] };
      });
      for (let i = 0; i < 1_000; i += 500) device.ingest(pageOf(changes.slice(i, i + 500), i), [SID]);
      expect(currentState([...device.disk.records.values()][0])!.cells.get(path)).toHaveLength(1_000);
      device.write([
        [
          {
            collection: 'notes',
            id: 'n',
            row: { id: 'n', title: 't', constructor: 1, claim: 1, score: 1, room: 1, tags: [], likes: 0 },
          },
        ],
      ]);
      const [item] = device.readOutbox(null, EVERYTHING);
      expect(checkChange(JSON.parse(JSON.stringify(item!.change)), DEFAULT_LIMITS)).toMatchObject({ type: 'ok' });
      expect(currentState([...device.disk.records.values()][0])!.cells.get(path)).toHaveLength(1);
    }
  });
});

/** The device of these tests has one collection. */
function onlyNotes(change: Change): Change {
  const recs = change.recs.filter(({ c }) => c !== 'toString');
  return { ...change, recs: recs.length > 0 ? recs : [{ ...change.recs[0]!, c: 'drawings' }] };
}

const text = fc.oneof(
  fc.constantFrom(...Object.values(DEVICE_FRAMES).map(encodeMessage)),
  damaged(Object.values(DEVICE_FRAMES).map(encodeMessage)),
);
const n = fc.nat(9);
const entries = fc.tuple(n, n).map(([after, count]) =>
  Array.from({ length: count }, (_, i): StoredEntry => ({
    lsn: after + i + 1,
    stamp: [SID, after + i + 1],
    kind: 'change',
    dot: `${INCS[0]}.${after + i + 1}`,
    text: '{"hlc":1}',
  })),
);
const head = n.map((lsn) => ({ lsn, cursor: { [SID]: lsn } }));
const at = fc.nat(60_000);
const event: fc.Arbitrary<ServerEvent> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ type: fc.constant('frame' as const), text, atMs: at, nowMs: at }) },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant('greeted' as const),
      head,
      position: n,
      known: fc.constant({}),
      atMs: at,
      nowMs: at,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('admitted' as const),
      accepted: fc.constantFrom([], [`${INCS[0]}.1`]),
      known: fc.constant({}),
      head,
    }),
  },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('grown' as const), head }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('read' as const), entries }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('tick' as const), atMs: at }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<ServerEvent>(
      { type: 'clogged' },
      { type: 'shutdown' },
      { type: 'gone' },
      { type: 'failed', code: 'FORBIDDEN', message: 'm', close: 4403 },
    ),
  },
);

describe('a server session', { timeout: TIMEOUT_MS }, () => {
  it('[FZP11] in any order of events: nothing before the welcome, one push and one read at a time, nothing after the end', async () => {
    const property = fc.property(fc.array(event, { maxLength: 30 }), (events) => {
      const context = { sid: SID, founders: [SID], limits: DEFAULT_LIMITS };
      let state: ServerSession = newServerSession(0);
      let [isWelcome, isClosed, admitting, reading, onTheWay] = [false, false, 0, 0, 0];
      for (const happened of events) {
        if (happened.type === 'admitted' && state.phase === 'open' && state.isPushing) admitting--;
        if (happened.type === 'read' && state.phase === 'open' && state.isReading) reading--;
        const next = stepServer(state, happened, context);
        expect(isClosed && next.effects.length > 0).toBe(false);
        for (const effect of next.effects) {
          if (effect.type === 'send' && effect.message.type === 'welcome') isWelcome = true;
          else if (effect.type === 'send') expect(isWelcome || effect.message.type === 'error').toBe(true);
          if (effect.type === 'admit') expect(isWelcome && ++admitting === 1).toBe(true);
          if (effect.type === 'read') expect(isWelcome && ++reading === 1).toBe(true);
          if (effect.type === 'send-page') expect(effect.entries.length).toBeGreaterThan(0);
        }
        state = next.state;
        isClosed = state.phase === 'closed';
        onTheWay = state.phase === 'open' ? state.inFlight.length : 0;
        expect(onTheWay).toBeLessThanOrEqual(DEFAULT_LIMITS.pagesInFlight);
      }
    });
    await fuzz('a server session', property, { runs: 3_000 });
  });
});
