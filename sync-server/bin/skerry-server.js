#!/usr/bin/env node
/**
 * The command `skerry-server`. It is committed, because npm links a command only when its file is there at the time of
 * `npm install`, and it is plain JavaScript that an old Node can read: there, and before the first build, it says in one line
 * what to do. The work begins in `src/main.ts`.
 */
import { existsSync } from 'node:fs';

const [major, minor] = process.versions.node.split('.').map(Number);
const main = new URL('../dist/main.js', import.meta.url);

if (major < 22 || (major === 22 && minor < 12)) {
  end(`needs Node.js 22.12 or newer; this is ${process.version}. Install a newer one from https://nodejs.org.`);
} else if (!existsSync(main)) {
  end('is not built yet: run `npm run build` in the repository first.');
} else {
  // Only now: on an older Node the native module behind the storage ends the process without a word.
  await import(main.href);
}

function end(message) {
  console.error(`skerry-server ${message}`);
  process.exitCode = 1;
}
