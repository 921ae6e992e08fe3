/**
 * What is done with a push before its transaction, so that the transaction is short: every change is checked and
 * hashed, and the application is asked whether it may be written.
 */
import { canonicalJson, checkChange, hash128, incOf, withoutDependencies } from '@skerry/sdk/kernel';
import type { Change, Json, Limits, PreparedChange, PreparedPush, Push } from '@skerry/sdk/kernel';

import type { Access, Principal } from './access.ts';
import { checkOwner } from './owner.ts';

export interface PushSource {
  readonly space: string;
  readonly principal: Principal | null;
  readonly access: Access;
  /** Whether a change has to be by who sends it. */
  readonly verifiesAuthors: boolean;
  readonly limits: Limits;
}

export async function preparePush(push: Push, source: PushSource): Promise<PreparedPush> {
  const { principal } = source;
  checkOwner(principal);
  const incs = [...new Set(push.changes.map(({ dot }) => incOf(dot)))];
  const changes: PreparedPush['changes'][number][] = [];
  for (const untrusted of push.changes) {
    const checked = checkChange(untrusted, source.limits);
    if (checked.type === 'bad') {
      const bad = { dot: untrusted.dot, code: checked.code, message: checked.reason };
      return { owner: principal?.id ?? null, changes, bad, incs };
    }
    changes.push(await prepare(checked.change, source));
  }
  return { owner: principal?.id ?? null, changes, bad: null, incs };
}

/** As if nobody had been allowed any of it. */
export function forbidden(push: PreparedPush): PreparedPush {
  return { ...push, changes: push.changes.map((change) => ({ ...change, isPermitted: false })) };
}

async function prepare(
  change: Change,
  { space, principal, access, verifiesAuthors }: PushSource,
): Promise<PreparedPush['changes'][number]> {
  const { hash, text } = contentOf(change);
  const isPermitted =
    isTakenBack(change) ||
    ((!verifiesAuthors || isOwn(change, principal)) &&
      (!access.authorize || (await access.authorize(principal, 'write', space, change))));
  return { change, hash, text, isPermitted };
}

/** It says that it is by its sender, or by nobody. */
function isOwn({ writer }: Change, principal: Principal | null): boolean {
  return writer?.user === undefined || writer.user.id === principal?.id;
}

/** It writes nothing any more and only holds the place of one that was refused, so nobody has to allow it. */
function isTakenBack({ recs, was }: Change): boolean {
  return recs.length === 0 && was !== undefined;
}

/**
 * What `hashOfChange` and `withoutDependencies` say, for one canonical text instead of two: the stamp, which the hash
 * leaves out, is put in front of what it covers.
 */
export function contentOf(change: Change): Omit<PreparedChange, 'change'> {
  const { hlc, ...content } = withoutDependencies(change);
  const hashed = canonicalJson(content as unknown as Json);
  return { hash: content.was ?? hash128(hashed), text: `{"hlc":${hlc},${hashed.slice(1)}` };
}
