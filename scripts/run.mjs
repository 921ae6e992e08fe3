/**
 * Starts a script of this folder on a Node that can run it: `node scripts/run.mjs <verb> [arguments]`.
 *
 * The scripts are TypeScript. Node runs that by itself from 22.18 on; between 22.12 and 22.18 it wants a flag, which this adds
 * for the script and for everything the script starts. An older Node gets one clear line instead of a syntax error, so this
 * file stays in the JavaScript that old ones can read.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 12)) {
  console.error(
    `Skerry needs Node.js 22.12 or newer; this is ${process.version}. Install a newer one from https://nodejs.org.`,
  );
  process.exit(1);
}

const [verb, ...args] = process.argv.slice(2);
const script = fileURLToPath(new URL(`./${verb}.ts`, import.meta.url));
const flags = process.features.typescript ? '' : ' --experimental-strip-types --disable-warning=ExperimentalWarning';
const child = spawn(process.execPath, [script, ...args], {
  stdio: 'inherit',
  env: { ...process.env, NODE_OPTIONS: ((process.env.NODE_OPTIONS ?? '') + flags).trim() },
});

// A terminal's Ctrl-C reaches the script by itself as well; the scripts bear to hear it twice.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));

// npm hands a SIGTERM to the shell between it and us, which ends without a word: that our parent is another one now is all
// that can be seen of it.
const parent = process.ppid;
const watch = setInterval(() => {
  if (process.ppid === parent) return;
  clearInterval(watch);
  child.kill('SIGTERM');
}, 500).unref();

child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)));
