import { expect, test } from 'vitest';

import { randomHistory } from './servers-history.fixture.ts';

const from = Number(process.env['FROM'] ?? 1);
const count = Number(process.env['COUNT'] ?? 30);
const kinds = (process.env['KINDS'] ?? 'roam,lost,restored,sameSid,alone').split(',');
for (const kind of kinds)
  test(`random ${kind}`, { timeout: 600_000 }, () => {
    const tally = new Map<string, number>();
    const failed: string[] = [];
    for (let seed = from; seed < from + count; seed++) {
      try {
        const world = randomHistory(seed, kind as never);
        for (const s of world.servers) for (const [v, n] of s.verdicts) tally.set(v, (tally.get(v) ?? 0) + n);
        for (const news of world.news.values())
          for (const { type } of news) tally.set(`news ${type}`, (tally.get(`news ${type}`) ?? 0) + 1);
      } catch (error) {
        failed.push(
          `${kind} ${seed}: ${(error as Error).message.slice(0, 300)} ${(error as Error).stack
            ?.split('\n')
            .filter((l) => l.includes('sdk/src'))
            .slice(0, 4)
            .join('|')}`,
        );
      }
    }
    console.log(kind, JSON.stringify([...tally]));
    expect(failed.slice(0, 5).join('\n'), `${failed.length} failed`).toBe('');
  });
