import * as fc from 'fast-check';
import { hashOfChange, withoutDependencies, type Change } from '@skerry/sdk/kernel';
import { describe, expect, it } from 'vitest';

import { changeOf } from '../device.fixture.ts';
import { contentOf } from './prepare.ts';

describe('what is stored of a change', { timeout: 30_000 }, () => {
  it('[PRE1] is the change without its dependencies, under the hash that the kernel gives it', () => {
    const rest = fc.dictionary(fc.stringMatching(/^[a-z!~]{1,9}$/), fc.jsonValue());
    fc.assert(
      fc.property(fc.nat(), rest, fc.boolean(), (hlc, unknown, hasDeps) => {
        const change: Change = {
          ...changeOf('AAAAAAAAAAAAAAAA.1'),
          ...unknown,
          hlc,
          ...(hasDeps ? { deps: {}, ex: [] } : {}),
        };
        const { hash, text } = contentOf(change);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(withoutDependencies(change))));
        expect(hash).toBe(hashOfChange(change));
      }),
    );
  });

  it('[PRE2] has the stamp, which the hash leaves out', () => {
    const change = changeOf('AAAAAAAAAAAAAAAA.1');
    const later = contentOf({ ...change, hlc: change.hlc + 1 });
    expect(later.hash).toBe(contentOf(change).hash);
    expect(JSON.parse(later.text)).toEqual({ ...change, hlc: change.hlc + 1 });
  });
});
