/**
 * What a suite of tests came to, and how to read it from the reports of vitest and Playwright and from the last line of our own programs.
 *
 * Silence is never success: a report that is missing or counts nothing is one failure.
 */
import { readFileSync } from 'node:fs';

export interface Tally {
  readonly passed: number;
  readonly failed: number;
}

const NOTHING: Tally = { passed: 0, failed: 1 };

export function add(one: Tally, other: Tally): Tally {
  return { passed: one.passed + other.passed, failed: one.failed + other.failed };
}

/** A suite whose process failed has at least one failure, whatever its report says (a crash after the last test, say). */
export function tallyOf(exitCode: number, reported: Tally): Tally {
  if (reported.passed + reported.failed === 0) return NOTHING;
  return exitCode !== 0 && reported.failed === 0 ? add(reported, NOTHING) : reported;
}

export function readVitest(path: string): Tally {
  const report = readReport(path);
  const files = (report['testResults'] ?? []) as readonly { status: string; assertionResults: readonly unknown[] }[];
  const notLoaded = files.filter((file) => file.status === 'failed' && file.assertionResults.length === 0).length;
  return { passed: Number(report['numPassedTests'] ?? 0), failed: Number(report['numFailedTests'] ?? 0) + notLoaded };
}

export function readPlaywright(path: string): Tally {
  const stats = readReport(path)['stats'] as Readonly<Record<string, number>> | undefined;
  const errors = (readReport(path)['errors'] as readonly unknown[] | undefined)?.length ?? 0;
  return {
    passed: (stats?.['expected'] ?? 0) + (stats?.['flaky'] ?? 0),
    failed: (stats?.['unexpected'] ?? 0) + errors,
  };
}

/** The last line of our own programs: `3 passed, 1 failed`. */
export function readSummary(line: string): Tally {
  const counts = /^(\d+) passed, (\d+) failed$/.exec(line);
  return { passed: Number(counts?.[1] ?? 0), failed: Number(counts?.[2] ?? 0) };
}

function readReport(path: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Readonly<Record<string, unknown>>;
  } catch {
    return {};
  }
}
