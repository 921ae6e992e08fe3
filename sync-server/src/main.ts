#!/usr/bin/env node
/**
 * The command `skerry-server`. Only the check of the Node version is loaded at once: on an older Node the native module
 * behind the storage ends the process without a word.
 */
import { argv, env, version, versions } from 'node:process';

const [major = 0, minor = 0] = versions.node.split('.').map(Number);

if (major < 22 || (major === 22 && minor < 12)) {
  console.error(
    `skerry-server needs Node.js 22.12 or newer; this is ${version}. Install a newer one from https://nodejs.org.`,
  );
  process.exitCode = 1;
} else {
  const { runCommand } = await import('./command.ts');
  await runCommand(argv.slice(2), env);
}
