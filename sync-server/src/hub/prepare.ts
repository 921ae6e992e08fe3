/**
 * What is done with a push before its transaction, so that the transaction is short: every change is checked and
 * hashed, and the application is asked whether it may be written.
 */
import { canonicalJson, checkChange, hash128, incOf, withoutDependencies } from '@skerry/sdk/kernel';
import type { Change, Dot, Inc, Json, Limits, Push, RefusalCode } from '@skerry/sdk/kernel';

import type { Access, Principal } from './access.ts';

export interface PreparedPush {
  readonly space: string;
  readonly owner: string | null;
  /** Well-formed changes, up to the first that is not. */
  readonly changes: readonly PreparedChange[];
  /** The change behind them that is not well-formed. */
  readonly bad: { readonly dot: Dot; readonly code: RefusalCode; readonly message: string } | null;
  /** Every incarnation in the push, whether its changes were looked at or not. */
  readonly incs: readonly Inc[];
}

export interface PreparedChange {
  readonly change: Change;
  readonly hash: string;
  /** What is stored and sent on. */
  readonly text: string;
  readonly isPermitted: boolean;
}

export interface PushSource {
  readonly space: string;
  readonly principal: Principal | null;
  readonly access: Access;
  readonly limits: Limits;
}

export async function preparePush(push: Push, source: PushSource): Promise<PreparedPush> {
  const { space, principal } = source;
  const incs = [...new Set(push.changes.map(({ dot }) => incOf(dot)))];
  const changes: PreparedChange[] = [];
  for (const untrusted of push.changes) {
    const checked = checkChange(untrusted, source.limits);
    if (checked.type === 'bad') {
      const bad = { dot: untrusted.dot, code: checked.code, message: checked.reason };
      return { space, owner: principal?.id ?? null, changes, bad, incs };
    }
    changes.push(await prepare(checked.change, source));
  }
  return { space, owner: principal?.id ?? null, changes, bad: null, incs };
}

async function prepare(change: Change, { space, principal, access }: PushSource): Promise<PreparedChange> {
  const { hash, text } = contentOf(change);
  const isPermitted = access.authorize ? await access.authorize(principal, 'write', space, change) : true;
  return { change, hash, text, isPermitted };
}

/**
 * What `hashOfChange` and `withoutDependencies` say, for one canonical text instead of two: the stamp, which the hash
 * leaves out, is put in front of what it covers.
 */
export function contentOf(change: Change): { readonly hash: string; readonly text: string } {
  const { hlc, ...content } = withoutDependencies(change);
  const hashed = canonicalJson(content as unknown as Json);
  return { hash: hash128(hashed), text: `{"hlc":${hlc},${hashed.slice(1)}` };
}
