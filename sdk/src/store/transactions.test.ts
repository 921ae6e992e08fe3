import { describe, expect, it } from 'vitest';

import { seqOf } from '../core/dot.ts';
import { LogServer, testDevice, type TestDevice } from './devices.fixture.ts';

const notesOf = (device: TestDevice) => device.db.dexie.table('notes');

async function changesOf(device: TestDevice) {
  const items = await device.store.readOutbox(null, { changes: 100, bytes: 1e9 });
  return items.map((item) => item.change);
}

describe('what an app may do inside a transaction', () => {
  it('[STEP18] writes begun at once in one transaction are one change with all of them', async () => {
    const anna = await testDevice('anna');
    await anna.db.transact({}, () =>
      Promise.all(['a', 'b', 'c'].map((id) => notesOf(anna).put({ id, title: `t ${id}` }))),
    );
    const changes = await changesOf(anna);
    expect(changes.map((change) => change.recs.map((rec) => rec.id))).toEqual([['a', 'b', 'c']]);
    expect(await anna.db.readPending()).toMatchObject({ changes: 1 });
  });

  it('[STEP19] a row deleted and then written as it was seen before, in one transaction, is kept', async () => {
    const server = new LogServer();
    const [anna, ben] = [await testDevice('anna'), await testDevice('ben')];
    await notesOf(anna).add({ id: 'a', title: 'A', tags: ['x'], likes: 2 });
    const seen = await anna.db.readSeen('notes', 'a');
    await anna.db.transact({}, async () => {
      await notesOf(anna).delete('a');
      await notesOf(anna).put({ ...anna.db.writeAsSeen('notes', 'a', seen), title: 'B' });
    });
    await anna.sync(server);
    await ben.pull(server);
    const kept = [{ id: 'a', title: 'B', tags: ['x'], likes: 2 }];
    expect([await notesOf(anna).toArray(), await notesOf(ben).toArray()]).toEqual([kept, kept]);
  });

  it('[STEP20] a step that is too large undoes its transaction, also when the app catches the error', async () => {
    const anna = await testDevice('anna');
    const failures: unknown[] = [];
    const transaction = anna.db.transact({}, async () => {
      await notesOf(anna).add({ id: 'a', title: 'A' });
      await notesOf(anna)
        .add({ id: 'b', title: 'x'.repeat(900_000) })
        .catch((error: unknown) => failures.push(error));
    });
    await expect(transaction).rejects.toThrow();
    expect(failures).toMatchObject([{ code: 'TOO_LARGE' }]);
    expect([await notesOf(anna).count(), await changesOf(anna)]).toEqual([0, []]);
    await notesOf(anna).add({ id: 'c', title: 'C' });
    expect((await changesOf(anna)).map((change) => [seqOf(change.dot), change.recs.length])).toEqual([[1, 1]]);
  });

  it('[STEP21] a row that was undone and then written as it was seen is there whole', async () => {
    const server = new LogServer();
    const [anna, ben] = [await testDevice('anna'), await testDevice('ben')];
    await anna.db.transact({}, async () => {
      await notesOf(anna).add({ id: 'a', title: 'A', pinned: true, tags: ['x'] });
      const seen = await anna.db.readSeen('notes', 'a');
      await notesOf(anna).delete('a');
      await notesOf(anna).put({ ...anna.db.writeAsSeen('notes', 'a', seen), title: 'B' });
    });
    await anna.sync(server);
    await ben.pull(server);
    const whole = [{ id: 'a', title: 'B', pinned: true, tags: ['x'], likes: 0 }];
    expect([await notesOf(anna).toArray(), await notesOf(ben).toArray()]).toEqual([whole, whole]);
  });

  it('[STEP22] a read token of a transaction that failed names nothing that is written later', async () => {
    const anna = await testDevice('anna');
    await notesOf(anna).add({ id: 'a', title: 'A' });
    let seen: Awaited<ReturnType<typeof anna.db.readSeen>> | undefined;
    const failed = anna.db.transact({}, async () => {
      await notesOf(anna).update('a', { title: 'never saved' });
      seen = await anna.db.readSeen('notes', 'a');
      throw new Error('no');
    });
    await expect(failed).rejects.toThrow('no');
    await notesOf(anna).update('a', { title: 'newer' });
    await anna.db.transact({}, () =>
      notesOf(anna).put({ ...anna.db.writeAsSeen('notes', 'a', seen!), title: 'from the form' }),
    );
    const [conflict] = await anna.db.readConflicts();
    expect(conflict).toMatchObject({ kind: 'field', versions: [{ v: 'newer' }, { v: 'from the form' }] });
  });
});
