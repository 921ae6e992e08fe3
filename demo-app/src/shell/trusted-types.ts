/**
 * Where the content policy asks for Trusted Types, no string becomes a script. Of the app's own strings one has to: the address
 * of its service worker, which the registration of vite-plugin-pwa hands on as it is.
 */
interface TrustedTypes {
  createPolicy(name: 'default', rules: { createScriptURL(url: string): string | null }): void;
}

/** What is null is refused. */
export function trustServiceWorker(): void {
  const { trustedTypes } = globalThis as { readonly trustedTypes?: TrustedTypes };
  const ours = new URL('sw.js', document.baseURI).href;
  trustedTypes?.createPolicy('default', {
    createScriptURL: (url) => (new URL(url, document.baseURI).href === ours ? url : null),
  });
}
