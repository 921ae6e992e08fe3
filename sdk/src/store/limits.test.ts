import { describe, expect, it } from 'vitest';
import { changesOf, LogServer, SID, peerChange, testDevice, type TestDevice } from './devices.fixture.ts';
import { OUTBOX } from './layout.ts';
const id = 'n1';
const items = (d: TestDevice) => d.store.readOutbox(null, { changes: 100, bytes: 1e9 });
describe('more', () => {
  it('[LIM1] add two, take both back in the order of adding: no outbox row is left', async () => {
    const anna = await testDevice('anna');
    const notes = anna.db.dexie.table('notes');
    await anna.db.transact({}, async () => {
      await notes.add({ id: 'x', title: 'x' });
      await notes.add({ id: 'y', title: 'y' });
      await notes.delete('x');
      await notes.delete('y');
    });
    expect(await anna.db.dexie.table(OUTBOX).toArray()).toEqual([]);
  });
  it('[LIM2] peer elements that are not canonical do not make a row uneditable', async () => {
    const server = new LogServer();
    const anna = await testDevice('anna');
    server.admit(
      peerChange('PPPPPPPPPPPPPPPP', id, [
        { t: 'life', v: 'live', pred: [] },
        { t: 'set', p: 'title', v: 'A', pred: [] },
        { t: 'set', p: 'a+', v: { '': 1 }, pred: [] },
        { t: 'add', p: 'tags/{"__proto__":1}', pred: [] },
      ]),
    );
    await anna.pull(server);
    await anna.db.dexie.table('notes').update(id, { title: 'B' });
    expect((await items(anna)).length).toBe(1);
  });
  it('[LIM3] a peer that counts beyond safe integers does not make a row uneditable', async () => {
    const server = new LogServer();
    const anna = await testDevice('anna');
    const big = Number.MAX_SAFE_INTEGER;
    for (const inc of ['PPPPPPPPPPPPPPPP', 'QQQQQQQQQQQQQQQQ'])
      server.admit(
        peerChange(inc, id, [
          { t: 'life', v: 'live', pred: [] },
          { t: 'inc', p: 'likes#c', n: big },
        ]),
      );
    await anna.pull(server);
    await anna.db.dexie.table('notes').update(id, { title: 'B' });
    expect((await items(anna)).length).toBe(1);
  });
  it('[LIM4] upsert, hooks that write another row, nested transaction', async () => {
    const anna = await testDevice('anna');
    const notes = anna.db.dexie.table('notes');
    await (notes as never as { upsert(k: string, v: unknown): Promise<unknown> }).upsert('u', { title: 'up' });
    notes.hook('creating', function (_k, obj) {
      if (obj.id === 'h') void notes.put({ id: 'h2', title: 'hooked' });
    });
    await anna.db
      .transact({}, async () => {
        await notes.add({ id: 'h', title: 'x' });
        await anna.db.dexie.transaction('rw', notes, async () => {
          await notes.add({ id: 'nested', title: 'n' });
        });
        await anna.db.dexie
          .transaction('rw', notes, async () => {
            await notes.add({ id: 'nested2', title: 'n' });
            throw new Error('inner');
          })
          .catch(() => undefined);
      })
      .catch((e) => e);
    const ids = (await notes.toArray()).map((r) => r.id).sort();
    const sent = (await items(anna)).flatMap((i) => i.change.recs.map((r) => r.id)).sort();
    expect(sent).toEqual(ids);
  });
  it('[LIM5] own change comes back without content after its restore, and twice, and in pieces', async () => {
    const server = new LogServer();
    const anna = await testDevice('anna');
    const notes = anna.db.dexie.table('notes');
    for (let i = 0; i < 5; i++)
      await anna.db.transact({}, async () => {
        await notes.put({ id, title: `t${i}` });
        await notes.put({ id: 'o', title: `o${i}` });
      });
    await anna.push(server);
    const page = server.page(0);
    const bare = {
      ...page,
      entries: changesOf(page).map(({ stamp, dot }) => ({ stamp, dot })),
    };
    await anna.store.ingest({ ...bare, entries: bare.entries.slice(0, 2) }, [SID]);
    await anna.store.ingest({ ...page, entries: page.entries.slice(1, 4) }, [SID]);
    await anna.store.ingest(bare, [SID]);
    await anna.store.ingest(page, [SID]);
    expect([
      await anna.db.dexie.table(OUTBOX).count(),
      (await anna.db.readPending()).changes,
      (await anna.db.readPending()).bytes,
    ]).toEqual([0, 0, 0]);
  });
});
