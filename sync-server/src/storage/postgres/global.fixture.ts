/** One PostgreSQL for all test files of a run; `TEST_DATABASE_URL` names one that is there already. */
import type { TestProject } from 'vitest/node';

import { startPostgres, type TestPostgres } from './postgres.fixture.ts';

declare module 'vitest' {
  interface ProvidedContext {
    readonly databaseUrl: string;
  }
}

let server: TestPostgres | null = null;

export async function setup({ provide }: TestProject): Promise<void> {
  const given = process.env['TEST_DATABASE_URL'];
  if (!given) server = await startPostgres();
  provide('databaseUrl', given || server!.url);
}

export async function teardown(): Promise<void> {
  await server?.[Symbol.asyncDispose]();
}
