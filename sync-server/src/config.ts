/**
 * The configuration of the command: flags first, then SKERRY_* variables, then defaults; an empty variable is none. All
 * that is wrong with it is said at once.
 */
import { statSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

// Types only: `npm start` reads the configuration before anything is built.
import type { Retention } from '@skerry/sdk/kernel';

import { AUTH_SETTINGS, readAuth, readSpaces, type AuthConfig } from './config-auth.ts';
import { isLoopback } from './http/loopback.ts';
import { originUrl } from './http/origin.ts';
import type { LogLevel } from './log.ts';
import { METRICS_TOKEN_LENGTH } from './http/metrics-door.ts';
import { isPostgresUrl, withoutPassword } from './storage/postgres/url.ts';

export interface Config {
  readonly port: number;
  readonly host: string;
  /** Path of the database file. */
  readonly file: string;
  /** Address of the PostgreSQL that is used instead, with its password. */
  readonly database: string | null;
  readonly static: string | null;
  readonly origins: readonly string[] | null;
  readonly trustProxy: boolean;
  readonly allowPlain: boolean;
  readonly retention: Retention;
  readonly metricsToken: string | null;
  readonly logLevel: LogLevel;
  /** Null: nobody has to sign in, and this machine alone is served. */
  readonly auth: AuthConfig | null;
  readonly spaces: 'members' | 'open';
}

export type ConfigResult =
  | { readonly type: 'ok'; readonly config: Config }
  | { readonly type: 'help'; readonly text: string }
  | { readonly type: 'bad'; readonly problems: readonly string[] };

interface Setting {
  readonly variable: string;
  readonly placeholder: string;
  readonly fallback: string;
  readonly help: string;
}

const DAY_MS = 86_400_000;

const SETTINGS: Readonly<Record<string, Setting>> = {
  port: {
    variable: 'SKERRY_PORT',
    placeholder: '<number>',
    fallback: '4321',
    help: 'port to listen on, 0 for a free one',
  },
  data: {
    variable: 'SKERRY_DATA',
    placeholder: '<path>',
    fallback: './data',
    help: 'folder of skerry.db, or a file that ends in .db',
  },
  database: {
    variable: 'SKERRY_DATABASE',
    placeholder: '<url>',
    fallback: '',
    help: 'PostgreSQL instead of a file: postgres://user:password@host/name; the variable hides the password from ps',
  },
  host: {
    variable: 'SKERRY_HOST',
    placeholder: '<name>',
    fallback: '127.0.0.1',
    help: 'address to listen on; without authentication this machine only',
  },
  static: {
    variable: 'SKERRY_STATIC',
    placeholder: '<folder>',
    fallback: '',
    help: 'built web app to serve beside /sync',
  },
  origins: {
    variable: 'SKERRY_ORIGINS',
    placeholder: '<list>',
    fallback: '',
    help: 'origins of pages that may connect, with commas; else the own host and pages of this machine',
  },
  'trust-proxy': {
    variable: 'SKERRY_TRUST_PROXY',
    placeholder: 'true|false',
    fallback: 'false',
    help: 'take host, addresses and TLS from X-Forwarded-Host, -For and -Proto, behind a proxy that sets them',
  },
  'allow-plain': {
    variable: 'SKERRY_ALLOW_PLAIN',
    placeholder: 'true|false',
    fallback: 'false',
    help: 'let devices of other machines in without TLS, in a network of your own',
  },
  'log-days': {
    variable: 'SKERRY_LOG_DAYS',
    placeholder: '<number>',
    fallback: '30',
    help: 'days that logs are kept; who was away longer gets a snapshot',
  },
  'tombstone-days': {
    variable: 'SKERRY_TOMBSTONE_DAYS',
    placeholder: '<number>',
    fallback: '60',
    help: 'days that deletes are remembered; older edits come back as copies',
  },
  'metrics-token': {
    variable: 'SKERRY_METRICS_TOKEN',
    placeholder: '<text>',
    fallback: '',
    help: 'who brings it may read /metrics; better set as a variable',
  },
  ...AUTH_SETTINGS,
  'log-level': {
    variable: 'SKERRY_LOG_LEVEL',
    placeholder: '<level>',
    fallback: 'info',
    help: 'error, info, debug or silent',
  },
};

const LOG_LEVELS: readonly string[] = ['error', 'info', 'debug', 'silent'];

export function readConfig(args: readonly string[], env: Readonly<Record<string, string | undefined>>): ConfigResult {
  const problems: string[] = [];
  const flags = readFlags(args, problems);
  if (flags.has('help')) return { type: 'help', text: helpText() };
  const valueOf = (name: string): string =>
    flags.get(name) ?? (env[SETTINGS[name]!.variable] || SETTINGS[name]!.fallback);
  const auth = readAuth(valueOf, problems);
  const config = {
    port: readPort(valueOf('port'), problems),
    host: readHost(valueOf('host'), auth !== null, problems),
    file: readFile(valueOf('data'), problems),
    database: readDatabase(valueOf('database'), problems),
    static: readFolder(valueOf('static'), problems),
    origins: readOrigins(valueOf('origins'), problems),
    trustProxy: readChoice('trust-proxy', valueOf('trust-proxy'), ['true', 'false'], problems) === 'true',
    allowPlain: readChoice('allow-plain', valueOf('allow-plain'), ['true', 'false'], problems) === 'true',
    retention: {
      logMs: readDays('log-days', valueOf('log-days'), problems),
      tombstoneMs: readDays('tombstone-days', valueOf('tombstone-days'), problems),
    },
    metricsToken: readToken(valueOf('metrics-token'), problems),
    logLevel: readChoice('log-level', valueOf('log-level'), LOG_LEVELS, problems) as LogLevel,
    auth,
    spaces: readSpaces(valueOf('spaces'), auth !== null, problems),
  };
  return problems.length > 0 ? { type: 'bad', problems } : { type: 'ok', config };
}

function helpText(): string {
  const lines = Object.entries(SETTINGS).map(([name, { variable, placeholder, fallback, help }]) => {
    const flag = `--${name} ${placeholder}`.padEnd(26);
    return `  ${flag}${help}${fallback === '' ? '' : ` (${fallback})`}\n${''.padEnd(28)}or ${variable}`;
  });
  return `Usage: skerry-server [options]\n\nServes the Skerry sync protocol at /sync, health at /healthz and /readyz, figures at /metrics.\n\n${lines.join('\n')}\n  --help                    this text\n`;
}

/** Not strict: the parser would stop at the first thing it does not like, and here all of them are wanted. */
function readFlags(args: readonly string[], problems: string[]): ReadonlyMap<string, string> {
  const options = Object.fromEntries(Object.keys(SETTINGS).map((name) => [name, { type: 'string' as const }]));
  const { tokens } = parseArgs({
    args: [...args],
    options: { ...options, help: { type: 'boolean' } },
    strict: false,
    tokens: true,
  });
  const flags = new Map<string, string>();
  for (const token of tokens) {
    if (token.kind === 'positional') problems.push(`${withoutPassword(token.value)}: not an option; see --help`);
    if (token.kind !== 'option') continue;
    if (token.name === 'help' || token.name === 'h') flags.set('help', '');
    else if (!Object.hasOwn(SETTINGS, token.name)) problems.push(`${token.rawName}: unknown option; see --help`);
    else if (token.value === undefined || token.value === '') problems.push(`${token.rawName}: a value is missing`);
    else flags.set(token.name, token.value);
  }
  return flags;
}

function readPort(text: string, problems: string[]): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535) problems.push(`port: ${text} is not a number from 0 to 65535`);
  return port;
}

function readDays(name: string, text: string, problems: string[]): number {
  if (!/^\d{1,5}(?:\.\d+)?$/.test(text)) problems.push(`${name}: ${text} is not a number of days`);
  return Number(text) * DAY_MS;
}

function readHost(host: string, hasAuth: boolean, problems: string[]): string {
  if (!hasAuth && !isLoopback(host)) {
    problems.push(
      `host: ${host} is not this machine; without authentication (jwks) the command serves this machine only`,
    );
  }
  return host;
}

function readFile(path: string, problems: string[]): string {
  if (path.includes('\0')) problems.push('data: not a path');
  else if (/\.(?:db|sqlite)$/.test(path) && !isFolder(path)) return path;
  else if (isFile(path)) problems.push(`data: ${path} is a file; name a folder, or a file that ends in .db`);
  return join(path, 'skerry.db');
}

function readDatabase(url: string, problems: string[]): string | null {
  if (url === '') return null;
  // Not with the address: it has a password in it.
  if (!isPostgresUrl(url)) problems.push('database: not an address like postgres://user:password@host:5432/name');
  return url;
}

function readFolder(path: string, problems: string[]): string | null {
  if (path === '') return null;
  if (!isFolder(path)) problems.push(`static: ${path} is not a folder`);
  return path;
}

function readOrigins(text: string, problems: string[]): readonly string[] | null {
  if (text === '') return null;
  const origins = text.split(',').map((origin) => origin.trim());
  for (const origin of origins) {
    if (!originUrl(origin)) problems.push(`origins: ${origin} is not an origin like https://app.example`);
  }
  return origins;
}

function readToken(token: string, problems: string[]): string | null {
  if (token === '') return null;
  if (token.length < METRICS_TOKEN_LENGTH)
    problems.push(`metrics-token: has fewer than ${METRICS_TOKEN_LENGTH} characters`);
  return token;
}

function readChoice(name: string, value: string, choices: readonly string[], problems: string[]): string {
  if (!choices.includes(value)) problems.push(`${name}: ${value} is none of ${choices.join(', ')}`);
  return value;
}

function isFolder(path: string): boolean {
  return statusOf(path)?.isDirectory() ?? false;
}

function isFile(path: string): boolean {
  return statusOf(path)?.isFile() ?? false;
}

/** Of a name that cannot be one (too long, with NUL, behind a locked door) as of one that is not there. */
function statusOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
