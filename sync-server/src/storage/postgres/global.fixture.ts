/** One PostgreSQL for all test files of a run; `TEST_DATABASE_URL` names one that is there already. */
import type { TestProject } from 'vitest/node';

import { startPostgres } from './postgres.fixture.ts';

declare module 'vitest' {
  interface ProvidedContext {
    readonly databaseUrl: string;
  }
}

export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const given = process.env['TEST_DATABASE_URL'];
  if (given) {
    provide('databaseUrl', given);
    return async () => undefined;
  }
  const server = await startPostgres();
  provide('databaseUrl', server.url);
  return async () => server[Symbol.asyncDispose]();
}
