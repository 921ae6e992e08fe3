/**
 * Starts the packaged worker, also in a page that asks for Trusted Types.
 *
 * Bundlers find the worker by the literal below, spelled exactly so; the build of the package replaces the path by
 * './worker.js', which lies beside the code that starts it.
 */
function createWorker(): Worker {
  return new Worker(new URL('../worker.ts', import.meta.url), { type: 'module' });
}

/** Of the Trusted Types API only what is used here; TypeScript's DOM does not have it yet. */
interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): TrustedTypePolicy;
}

interface TrustedTypePolicy {
  createScriptURL(url: string): string;
}

/** The name that an app whose content policy lists `trusted-types` has to allow. */
const POLICY_NAME = 'skerry';

/** A policy can be made once in a page, and a refusal is reported each time. */
let policy: TrustedTypePolicy | null | undefined;

/**
 * Under `require-trusted-types-for 'script'` the address of a worker has to come out of a policy, and the literal has no place
 * for one: bundlers would not know it any more. So its `Worker` is another one for the length of this synchronous call.
 */
export function spawnWorker(): Worker {
  if (policy === undefined) policy = createPolicy();
  if (policy === null) return createWorker();
  const trusted = policy;
  const Platform = globalThis.Worker;
  globalThis.Worker = class extends Platform {
    constructor(address: string | URL, options?: WorkerOptions) {
      super(trusted.createScriptURL(String(address)), options);
    }
  };
  try {
    return createWorker();
  } finally {
    globalThis.Worker = Platform;
  }
}

/** Null where there are no Trusted Types, and where the page does not allow the policy: then it has one of its own, or none is asked for. */
function createPolicy(): TrustedTypePolicy | null {
  const { trustedTypes } = globalThis as { readonly trustedTypes?: TrustedTypes };
  try {
    return trustedTypes?.createPolicy(POLICY_NAME, { createScriptURL: (url) => url }) ?? null;
  } catch {
    return null;
  }
}
