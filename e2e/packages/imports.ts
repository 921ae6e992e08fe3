/** What importing a module does besides giving its exports. */
import { execFileSync } from 'node:child_process';

/** Everything with which a module could act before it is asked to. */
const PLATFORM = [
  'BroadcastChannel',
  'MessageChannel',
  'WebSocket',
  'Worker',
  'SharedWorker',
  'addEventListener',
  'console',
  'crypto',
  'document',
  'fetch',
  'indexedDB',
  'localStorage',
  'navigator',
  'performance',
  'postMessage',
  'queueMicrotask',
  'self',
  'setInterval',
  'setTimeout',
  'window',
];

/** A module may look whether something is there (`typeof`), which a getter cannot tell from using it; so these are functions that tell when they are used. */
const WATCH = `
const touched = new Set();
const tell = (name) => new Proxy(function () {}, {
  get: (target, key) => (touched.add(name + '.' + String(key)), undefined),
  apply: () => void touched.add(name + '()'),
  construct: () => (touched.add('new ' + name), {}),
});
`;

/** Names of the platform that `entry` has used, and of globals that it has made, when it was imported in the app's folder. */
export function touchedByImporting(folder: string, entry: string): readonly string[] {
  const program = `
    ${WATCH}
    const output = process.stdout;
    // What the packages do that it depends on is theirs.
    for (const name of ['comlink', 'dexie', 'idb', 'rxjs', 'react']) await import(name);
    for (const name of ${JSON.stringify(PLATFORM)}) {
      Object.defineProperty(globalThis, name, { value: tell(name), configurable: true, writable: true });
    }
    const before = new Set(Reflect.ownKeys(globalThis));
    await import(${JSON.stringify(entry)});
    for (const key of Reflect.ownKeys(globalThis)) if (!before.has(key)) touched.add(String(key));
    output.write(JSON.stringify([...touched]));
  `;
  const args = ['--input-type=module', '--eval', program];
  return JSON.parse(execFileSync(process.execPath, args, { cwd: folder, encoding: 'utf8' })) as readonly string[];
}
