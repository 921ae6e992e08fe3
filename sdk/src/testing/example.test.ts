import 'fake-indexeddb/auto';
import { collection, counter } from '@skerry/sdk';
import { createTestNetwork } from '@skerry/sdk/testing';
import { expect, test } from 'vitest';

interface Task {
  title: string;
  votes: number;
}

test('two people edit a task offline: votes add up, and both see the same question about its title', async () => {
  const network = createTestNetwork({
    seed: 7,
    collections: { tasks: collection<Task>({ fields: { votes: counter() } }) },
  });
  const [anna, ben] = [await network.device('anna'), await network.device('ben')];
  const id = await anna.db.tasks.insert({ title: 'Paint the boat', votes: 0 });
  await network.settled();

  network.partition();
  await anna.db.tasks.update(id, { title: 'Paint the hull', votes: 1 });
  await ben.db.tasks.update(id, { title: 'Paint the deck', votes: 1 });
  network.heal();
  await network.expectConverged();

  expect(await ben.db.tasks.get(id)).toMatchObject({ votes: 2 });
  const [question] = ben.db.conflicts$.value;
  if (question?.kind !== 'field') throw new Error('there should be a question');
  await question.resolve({ value: { title: 'Paint hull and deck' } });
  await network.expectConverged();
  expect(await anna.db.tasks.get(id)).toMatchObject({ title: 'Paint hull and deck' });
  await network.close();
});
