import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { readPlaywright, readSummary, readVitest, tallyOf } from './tally.ts';

function reportOf(content: unknown): string {
  const path = join(mkdtempSync(join(tmpdir(), 'skerry-tally-')), 'report.json');
  writeFileSync(path, JSON.stringify(content));
  return path;
}

describe('what a suite came to', () => {
  it('[TLY1] a suite that reports nothing is one failure, whatever its exit code', () => {
    expect(tallyOf(0, readVitest('/nowhere/report.json'))).toEqual({ passed: 0, failed: 1 });
    expect(tallyOf(0, readPlaywright(reportOf({ stats: { expected: 0 } })))).toEqual({ passed: 0, failed: 1 });
  });

  it('[TLY2] a suite that crashed after its tests passed has a failure', () => {
    expect(tallyOf(1, { passed: 3, failed: 0 })).toEqual({ passed: 3, failed: 1 });
  });

  it('[TLY3] a test file that does not load counts beside the tests that failed', () => {
    const report = { numPassedTests: 5, numFailedTests: 1, testResults: [{ status: 'failed', assertionResults: [] }] };
    expect(readVitest(reportOf(report))).toEqual({ passed: 5, failed: 2 });
  });

  it('[TLY4] an error outside the browser tests counts as a failure', () => {
    expect(readPlaywright(reportOf({ stats: { expected: 2, unexpected: 1 }, errors: [{}] }))).toEqual({
      passed: 2,
      failed: 2,
    });
  });

  it('[TLY5] a program of ours says it in its last line, and anything else there says nothing', () => {
    expect(readSummary('12 passed, 3 failed')).toEqual({ passed: 12, failed: 3 });
    expect(tallyOf(0, readSummary('done: 12 passed, 0 failed'))).toEqual({ passed: 0, failed: 1 });
  });
});
