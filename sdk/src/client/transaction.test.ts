import 'fake-indexeddb/auto';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { closeAll, openNotes, type NotesDb } from './notes.fixture.ts';

let db: NotesDb;
beforeEach(async () => {
  db = await openNotes();
});
afterEach(closeAll);

test('[TXN1] several writes are one change with a label, and the commit has its dot and the result', async () => {
  const commit = await db.transaction(
    async (tx) => {
      const id = await tx.notes.insert({ title: 'a', tags: ['x'] });
      await tx.notes.update(id, { title: 'b' });
      await tx.bookings.insert({ title: 'c' });
      return (await tx.notes.get(id))!.title;
    },
    { label: 'Plan' },
  );
  expect(commit).toMatchObject({
    result: 'b',
    id: expect.stringMatching(/^[\w-]{16}\.1$/),
    undo: expect.any(Function),
  });
  await expect
    .poll(() => db.outbox$.value)
    .toMatchObject([{ id: commit.id, label: 'Plan', rows: [{ collection: 'notes' }, { collection: 'bookings' }] }]);
});

test('[TXN2] when the function throws nothing is written, and its error passes as it is', async () => {
  const mine = { not: 'even an Error' };
  const failed = db.transaction(async (tx) => {
    await tx.notes.insert({ title: 'a', tags: ['x'] });
    throw mine;
  });
  await expect(failed).rejects.toBe(mine);
  expect(await db.notes.count()).toBe(0);
  expect(db.status$.value.pending.changes).toBe(0);
});

test('[TXN2] an error of a call inside ends the transaction unless the function catches it', async () => {
  const failed = db.transaction(async (tx) => {
    await tx.notes.insert({ title: 'a', tags: ['x'] });
    await tx.notes.delete('unknown');
  });
  await expect(failed).rejects.toMatchObject({ code: 'NOT_FOUND' });
  expect(await db.notes.count()).toBe(0);
  await db.transaction(async (tx) => {
    await tx.notes.insert({ title: 'a', tags: ['x'] });
    await tx.notes.delete('unknown').catch(() => {});
  });
  expect(await db.notes.count()).toBe(1);
});

test('[TXN3] a transaction that writes nothing has no dot', async () => {
  expect(await db.transaction(async (tx) => tx.notes.count())).toMatchObject({
    result: 0,
    id: '',
    undo: expect.any(Function),
  });
});

test('[TXN4] the collections of a transaction end with it', async () => {
  let leaked: { insert(row: { title: string; tags: string[] }): Promise<string> } | undefined;
  await db.transaction(async (tx) => void (leaked = tx.notes));
  await expect(leaked!.insert({ title: 'late', tags: ['x'] })).rejects.toMatchObject({ code: 'TRANSACTION_ENDED' });
  expect(await db.notes.count()).toBe(0);
});

test('[TXN4] a transaction that awaits something else is whole, or fails with TRANSACTION_ENDED and writes nothing', async () => {
  const elsewhere = new Promise((resolve) => setTimeout(resolve, 50));
  const outcome = await db
    .transaction(async (tx) => {
      await tx.notes.insert({ title: 'before', tags: ['x'] });
      await elsewhere;
      await tx.notes.insert({ title: 'after', tags: ['x'] });
    })
    .then(
      () => 'whole',
      (error: unknown) => (error as { code: string }).code,
    );
  expect(['whole', 'TRANSACTION_ENDED']).toContain(outcome);
  expect(await db.notes.count()).toBe(outcome === 'whole' ? 2 : 0);
});

test('[TXN8] calls inside may run side by side, with other promises in between', async () => {
  const { result } = await db.transaction(async (tx) => {
    await Promise.resolve();
    const ids = await Promise.all(['a', 'b'].map((title) => tx.notes.insert({ title, tags: ['x'] })));
    await Promise.all(ids.map(async (id) => tx.notes.update(id, { body: (await tx.notes.get(id))!.title })));
    await tx.notes.insert({ id: 'c', title: 'c', tags: ['x'] }).then((id) => tx.notes.update(id, { body: 'c' }));
    return tx.notes.find({ orderBy: 'title' });
  });
  expect(result.map((note) => note.body)).toEqual(['a', 'b', 'c']);
  await expect.poll(() => db.outbox$.value.length).toBe(1);
});

test('[TXN9] updates of one row at once go one after another: none is lost', async () => {
  await db.notes.insert({ id: 'a', title: 'A', body: '1', tags: ['x'] });
  await db.transaction((tx) =>
    Promise.all([
      tx.notes.update('a', { title: 'B' }),
      tx.notes.update('a', { body: '2' }),
      ...[1, 2, 3].map(() => tx.notes.update('a', (draft) => void (draft.likes = (draft.likes ?? 0) + 1))),
    ]),
  );
  expect(await db.notes.get('a')).toEqual({ id: 'a', title: 'B', body: '2', tags: ['x'], likes: 3 });
});

test('[TXN9] so do calls of the handle inside a transaction', async () => {
  await db.notes.insert({ id: 'a', title: 'A', tags: ['x'] });
  await db.transaction((tx) =>
    Promise.all(
      [tx, db, tx, db].map(({ notes }) => notes.update('a', (draft) => void (draft.likes = (draft.likes ?? 0) + 1))),
    ),
  );
  expect(await db.notes.get('a')).toMatchObject({ likes: 4 });
});

test('[TXN9] an update that fails, and one that is called inside the function of another, hold up nobody', async () => {
  await db.notes.insert({ id: 'a', title: 'A', tags: ['x'] });
  await db.transaction(async (tx) => {
    let inner: Promise<void> | undefined;
    const outcomes = await Promise.allSettled([
      tx.notes.update('unknown', { title: 'B' }),
      tx.notes.update('a', (draft) => {
        inner = tx.notes.update('a', { body: '2' });
        draft.title = 'B';
      }),
      tx.notes.update('a', { extra: 1 }),
    ]);
    await inner;
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
  });
  expect(await db.notes.get('a')).toMatchObject({ title: 'B', body: '2', extra: 1 });
});

test('[TXN9] a call that nobody awaits belongs to the transaction all the same', async () => {
  await db.notes.insert({ id: 'a', title: 'A', tags: ['x'] });
  const { id } = await db.transaction(async (tx) => {
    for (let i = 0; i < 5; i++) void tx.notes.update('a', (draft) => void (draft.likes = (draft.likes ?? 0) + 1));
  });
  expect(await db.notes.get('a')).toMatchObject({ likes: 5 });
  await expect.poll(() => db.outbox$.value.at(-1)?.id).toBe(id);
});

test('[TXN5] calls of the handle inside a transaction belong to it', async () => {
  const failed = db.transaction(async (tx) => {
    await tx.notes.insert({ title: 'a', tags: ['x'] });
    await db.notes.insert({ title: 'b', tags: ['x'] });
    expect(await tx.notes.count()).toBe(2);
    throw new Error('no');
  });
  await expect(failed).rejects.toThrow('no');
  expect(await db.notes.count()).toBe(0);
});

test.each([
  ['no function', undefined, {}],
  ['a label that is none', async () => {}, { label: 5 }],
  ['a label that is too long', async () => {}, { label: 'x'.repeat(1_025) }],
])('[TXN6] bad arguments are INVALID_VALUE: %s', async (_what, fn, options) => {
  await expect(db.transaction(fn as never, options as never)).rejects.toMatchObject({ code: 'INVALID_VALUE' });
});

test('[TXN7] a transaction larger than one change is TOO_LARGE and writes nothing', async () => {
  const failed = db.transaction(async (tx) => {
    for (let i = 0; i < 10; i++) await tx.notes.insert({ title: 'x'.repeat(100_000), tags: ['x'] });
  });
  await expect(failed).rejects.toMatchObject({ code: 'TOO_LARGE' });
  expect(await db.notes.count()).toBe(0);
});
