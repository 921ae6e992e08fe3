/**
 * The command's tools for whoever keeps a server: `backup`, `restore`, `compact`, `doctor`, `takeover`, `migrate`. They
 * take `--data` and the variables of the server, so that they find its database without being told twice.
 *
 * Exit codes: 0 done, nothing found · 1 could not be done · 2 called wrongly · 3 the doctor has found damage.
 */
import { parseArgs } from 'node:util';

import { readConfig, type Config } from '../config.ts';
import { postgres } from '../storage/postgres/postgres.ts';
import { withoutPassword } from '../storage/postgres/url.ts';
import { openForReading } from '../storage/sqlite/file.ts';
import { sqlite } from '../storage/sqlite/sqlite.ts';
import { backUp, examineFile } from './backup.ts';
import { compactFile } from './compact.ts';
import { migrateTo } from './migrate.ts';
import { restore } from './restore.ts';

type Env = Readonly<Record<string, string | undefined>>;

interface Tool {
  /** Name of the file that is given, if one is. */
  readonly argument: string | null;
  /** Settings of the server that matter to it. */
  readonly settings: readonly string[];
  readonly flags: readonly string[];
  /** Settings that have another name here. */
  readonly renamed?: Readonly<Record<string, string>>;
  readonly help: string;
  /** What is done instead where the data are in a PostgreSQL; absent for what works there too. */
  readonly withPostgres?: string;
  run(call: Call): Promise<Outcome>;
}

interface Call {
  readonly config: Config;
  readonly argument: string;
  readonly flags: ReadonlySet<string>;
}

interface Outcome {
  readonly code: number;
  readonly lines: readonly string[];
}

export const DAMAGE_EXIT_CODE = 3;

const TOOLS: Readonly<Record<string, Tool>> = {
  backup: {
    argument: '<file>',
    settings: ['data'],
    flags: [],
    help: 'a consistent copy of the database; the server may be running',
    withPostgres: 'use its own tools: pg_dump, or a base backup with its log',
    async run({ config, argument }) {
      const { spaces, entries, records, bytes } = await backUp(config.file, argument);
      return done(`${argument} has ${count(spaces, entries, records)}; ${bytes} bytes`);
    },
  },
  restore: {
    argument: '<file>',
    settings: ['data'],
    flags: ['replace'],
    help: 'puts a backup in the place of the database; the server must be stopped',
    withPostgres: 'use its own tools, and then `skerry-server takeover`',
    async run({ config, argument, flags }) {
      const options = { replace: flags.has('replace'), nowMs: Date.now() };
      const { spaces, asideTo } = await restore(argument, config.file, options);
      return done(
        `${config.file} is restored from ${argument}: ${spaces} spaces, as a new server; devices bring back what it lacks`,
        ...(asideTo === null ? [] : [`what was there before is ${asideTo}`]),
      );
    },
  },
  compact: {
    argument: null,
    settings: ['data', 'log-days', 'tombstone-days'],
    flags: [],
    help: 'cuts logs, forgets deletes and gives the space back to the disk; the server must be stopped',
    withPostgres: 'its servers cut logs by themselves, and autovacuum does the rest',
    async run({ config }) {
      const { entries, records, bytesBefore, bytesAfter } = await compactFile(
        config.file,
        Date.now(),
        config.retention,
      );
      return done(
        `${entries} entries cut, ${records} deleted records forgotten; ${bytesBefore} bytes before, ${bytesAfter} now`,
      );
    },
  },
  doctor: {
    argument: null,
    settings: ['data'],
    flags: [],
    help: 'looks for damage and changes nothing; the server may be running',
    withPostgres: 'use data checksums and pg_amcheck; rows that are damaged are told in the log of a server',
    async run({ config }) {
      const { spaces, entries, records, findings } = examineFile(config.file);
      if (findings.length === 0) return done(`${config.file} is sound: ${count(spaces, entries, records)}`);
      return {
        code: DAMAGE_EXIT_CODE,
        lines: [
          `${config.file} is damaged:`,
          ...findings.map((finding) => `  ${finding}`),
          'Keep this file, look at the disk, and restore the last backup: devices bring back what it lacks.',
        ],
      };
    },
  },
  takeover: {
    argument: null,
    settings: ['data', 'database'],
    flags: [],
    help: 'makes a new server of a database that was put back to an earlier state by other means than `restore`',
    async run({ config }) {
      if (config.database === null) openForReading(config.file).close();
      const storage = await (config.database === null ? sqlite(config.file) : postgres(config.database)).open();
      try {
        await storage.takeOver();
      } finally {
        await storage.close();
      }
      return done('it is a new server now; devices bring back what it lacks');
    },
  },
  migrate: {
    argument: null,
    settings: ['data', 'database'],
    flags: [],
    renamed: { to: 'database' },
    help: 'moves the database to a PostgreSQL, --to or SKERRY_DATABASE; can be run again where it stopped; the server must be stopped',
    async run({ config }) {
      if (config.database === null) throw new Error('--to: is missing, and so is SKERRY_DATABASE');
      const { spaces, found, rows, asideTo } = await migrateTo(config.database, config.file, Date.now());
      return done(
        `${spaces} spaces, ${rows} rows, compared one by one; ${found} of the spaces were there already`,
        `the database was ${config.file} and is ${asideTo} now; start the server with SKERRY_DATABASE`,
      );
    },
  },
};

/** Whether the arguments ask for a tool and not for a server. */
export function isToolCall([verb]: readonly string[]): boolean {
  return verb !== undefined && Object.hasOwn(TOOLS, verb);
}

/** Lines of `--help`. */
export function toolsHelp(): string {
  return Object.entries(TOOLS)
    .map(([name, { argument, help }]) => `  ${[name, argument ?? ''].join(' ').padEnd(26)}${help}\n`)
    .join('');
}

/** Returns the exit code. */
export async function runTool(args: readonly string[], env: Env): Promise<number> {
  const [verb, ...rest] = args;
  const tool = TOOLS[verb!]!;
  const read = readCall(tool, rest, env);
  if (read.type === 'help') return write(process.stdout, 0, [usageOf(verb!, tool)]);
  if (read.type === 'bad')
    return write(process.stderr, 2, [
      `skerry-server ${verb}: called wrongly`,
      ...read.problems.map((problem) => `  ${problem}`),
    ]);
  try {
    const { code, lines } = await tool.run(read.call);
    return write(process.stdout, code, lines);
  } catch (failure) {
    return write(process.stderr, 1, [
      `skerry-server ${verb}: ${failure instanceof Error ? failure.message : String(failure)}`,
    ]);
  }
}

type ReadCall =
  | { readonly type: 'ok'; readonly call: Call }
  | { readonly type: 'help' }
  | { readonly type: 'bad'; readonly problems: readonly string[] };

function readCall(tool: Tool, args: readonly string[], env: Env): ReadCall {
  const problems: string[] = [];
  const settings: string[] = [];
  const positionals: string[] = [];
  const flags = new Set<string>();
  for (const token of tokensOf(tool, args)) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    if (token.name === 'help' || token.name === 'h') return { type: 'help' };
    const name = tool.renamed?.[token.name] ?? token.name;
    if (tool.flags.includes(token.name)) flags.add(token.name);
    else if (!tool.settings.includes(name) || (name === token.name && isRenamed(tool, name)))
      problems.push(`${token.rawName}: unknown option; see --help`);
    else settings.push(`--${name}=${token.value ?? ''}`);
  }
  const wanted = tool.argument === null ? 0 : 1;
  if (positionals.length < wanted) problems.push(`${tool.argument}: is missing`);
  for (const extra of positionals.slice(wanted)) problems.push(`${withoutPassword(extra)}: not an option; see --help`);
  if (tool.withPostgres !== undefined && env['SKERRY_DATABASE'])
    problems.push(`SKERRY_DATABASE: the data are in a PostgreSQL; ${tool.withPostgres}`);
  const read = readConfig(settings, relevant(tool, env));
  if (read.type === 'bad') problems.push(...read.problems);
  if (read.type !== 'ok' || problems.length > 0) return { type: 'bad', problems };
  return { type: 'ok', call: { config: read.config, argument: positionals[0] ?? '', flags } };
}

function tokensOf(tool: Tool, args: readonly string[]): ReturnType<typeof parseArgs>['tokens'] & object {
  const strings = [...tool.settings, ...Object.keys(tool.renamed ?? {})].map(
    (name) => [name, { type: 'string' as const }] as const,
  );
  const booleans = [...tool.flags, 'help'].map((name) => [name, { type: 'boolean' as const }] as const);
  const options = Object.fromEntries([...strings, ...booleans]);
  return parseArgs({ args: [...args], options, strict: false, tokens: true }).tokens;
}

function isRenamed({ renamed }: Tool, setting: string): boolean {
  return Object.values(renamed ?? {}).includes(setting);
}

/** Of the server's variables those that matter here: what is wrong with the others does not keep anybody from a backup. */
function relevant({ settings }: Tool, env: Env): Env {
  const names = settings.map((name) => `SKERRY_${name.toUpperCase().replaceAll('-', '_')}`);
  return Object.fromEntries(names.map((name) => [name, env[name]]));
}

function usageOf(verb: string, tool: Tool): string {
  const { argument, settings, flags, renamed, help } = tool;
  const names = [...settings.filter((name) => !isRenamed(tool, name)), ...Object.keys(renamed ?? {})];
  const options = [...flags.map((flag) => `[--${flag}]`), ...names.map((name) => `[--${name} <value>]`)];
  return `Usage: skerry-server ${[verb, ...(argument === null ? [] : [argument]), ...options].join(' ')}\n\n${help}`;
}

function done(...lines: readonly string[]): Outcome {
  return { code: 0, lines };
}

function count(spaces: number, entries: number, records: number): string {
  return `${spaces} spaces, ${entries} entries, ${records} records`;
}

function write(stream: NodeJS.WriteStream, code: number, lines: readonly string[]): number {
  stream.write(`${lines.join('\n')}\n`);
  return code;
}
