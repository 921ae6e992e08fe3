/**
 * Child processes, for the other scripts: run one to its end, with our own tools first on the PATH, and never leave one behind.
 * SIGTERM and SIGINT end the child first and then the script.
 */
import { spawn, type SpawnOptions } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root of the repository. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url));

const PATH = [join(ROOT, 'node_modules', '.bin'), process.env['PATH'] ?? ''].join(delimiter);

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/** Runs a command in the root of the repository; resolves with its exit code, 1 when it could not start or was killed. */
export function run(
  command: string,
  args: readonly string[],
  options: SpawnOptions = {},
  onOutput?: (text: string) => void,
): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: ROOT,
      stdio: ['ignore', 'inherit', 'inherit'],
      ...options,
      env: { ...process.env, PATH, ...options.env },
    });
    child.stdout?.setEncoding('utf8').on('data', (text: string) => onOutput?.(text));
    let isEnding = false;
    const end = (): void => {
      isEnding = true;
      child.kill('SIGTERM');
    };
    for (const signal of SIGNALS) process.on(signal, end);
    child.on('error', (error) => {
      console.error(`${command}: ${error.message}`);
      resolve(1);
    });
    child.on('close', (code) => {
      for (const signal of SIGNALS) process.off(signal, end);
      // Else the script would go on with its next step.
      if (isEnding) process.exit(143);
      resolve(code ?? 1);
    });
  });
}

/** `run`, for the Node that runs this script. */
export function runNode(args: readonly string[], options: SpawnOptions = {}): Promise<number> {
  return run(process.execPath, args, options);
}

/** Runs a command, shows what it prints, and resolves with its exit code and its last line. */
export async function runReading(
  command: string,
  args: readonly string[],
): Promise<{ readonly code: number; readonly lastLine: string }> {
  let text = '';
  const code = await run(command, args, { stdio: ['ignore', 'pipe', 'inherit'] }, (chunk) => {
    process.stdout.write(chunk);
    text = (text + chunk).slice(-1000);
  });
  return { code, lastLine: text.trimEnd().split('\n').at(-1) ?? '' };
}
