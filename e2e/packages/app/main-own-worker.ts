/** For bundlers that do not know `new Worker(new URL(…))`: the app names the file that it has built from `sync-worker.ts`. */
import { showNotes } from './notes.ts';

void showNotes({ worker: () => new Worker(trusted('./sync-worker.js'), { type: 'module' }) });

/** What an app does whose content policy asks for Trusted Types. */
function trusted(url: string): string {
  interface TrustedTypes {
    createPolicy(name: string, rules: object): { createScriptURL(url: string): string };
  }
  const { trustedTypes } = globalThis as { readonly trustedTypes?: TrustedTypes };
  return trustedTypes?.createPolicy('app', { createScriptURL: (own: string) => own }).createScriptURL(url) ?? url;
}
