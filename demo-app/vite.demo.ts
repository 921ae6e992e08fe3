/**
 * How the demo is built: a static page whose shell is kept by a service worker, so that it starts without a server.
 * Everything comes from its own origin and nothing is inlined, so that it runs under `default-src 'self'`.
 */
import { fileURLToPath } from 'node:url';

import react from '@vitejs/plugin-react';
import { VitePWA } from 'vite-plugin-pwa';
import { defaultClientConditions, type UserConfig } from 'vite';

const VENDOR = /node_modules[\\/](?!react-aria|react-stately|@react-|@internationalized|node-diff3)/;

export function demoConfig(): UserConfig {
  return {
    root: fileURLToPath(new URL('.', import.meta.url)),
    plugins: [react(), installable()],
    resolve: { conditions: ['@skerry/source', ...defaultClientConditions] },
    worker: { format: 'es' },
    build: {
      outDir: fileURLToPath(new URL('./dist', import.meta.url)),
      emptyOutDir: true,
      target: 'es2023',
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      sourcemap: true,
      chunkSizeWarningLimit: 600,
      // What changes rarely is a file of its own, so that an update of the app is a small download.
      // Dialogs and tags are not needed for the first look: their code goes with the parts that use it.
      rolldownOptions: { output: { codeSplitting: { groups: [{ name: 'vendor', test: VENDOR }] } } },
    },
    server: { proxy: { '/sync': { target: `http://127.0.0.1:${process.env['PORT'] ?? '4321'}`, ws: true } } },
  };
}

/** A new version is taken over at once, but the page reloads only when nobody looks at it: see src/shell/updates.ts. */
function installable(): ReturnType<typeof VitePWA> {
  return VitePWA({
    registerType: 'autoUpdate',
    strategies: 'injectManifest',
    srcDir: 'src',
    filename: 'sw.ts',
    injectRegister: null,
    manifest: {
      name: 'Skerry notes and calendar',
      short_name: 'Skerry',
      description: 'Notes and a room calendar that work without a network and agree afterwards.',
      display: 'standalone',
      start_url: './',
      scope: './',
      background_color: '#f7fafb',
      theme_color: '#f7fafb',
      icons: [
        { src: 'icon.svg', sizes: 'any', type: 'image/svg+xml' },
        { src: 'icon-192.png', sizes: '192x192', type: 'image/png' },
        { src: 'icon-512.png', sizes: '512x512', type: 'image/png' },
        { src: 'icon-maskable-512.png', sizes: '512x512', type: 'image/png', purpose: 'maskable' },
      ],
    },
    injectManifest: { globPatterns: ['**/*.{js,css,html,svg,png,woff2}'], target: 'es2023' },
  });
}
