/** What can be wrong with the options of a server, said before anything is opened. */
import { DEFAULT_LIMITS, DEFAULT_RETENTION, SkerryError, type Limits, type Retention } from '@skerry/sdk/kernel';

import { METRICS_TOKEN_LENGTH } from './http/metrics-door.ts';
import { originUrl } from './http/origin.ts';
import type { StorageSource } from './storage/port.ts';

/** Limits that devices rely on: a server may tighten them and not more. The others are its own affair. */
const SHARED: readonly (keyof Limits)[] = [
  'frameBytes',
  'changeBytes',
  'changesPerPush',
  'entriesPerPage',
  'pageBytes',
  'recordsPerChange',
  'opsPerRecord',
  'siblingsPerField',
  'marksPerRecord',
  'recordsPerPiece',
];

interface AccessOptions {
  readonly authenticate?: unknown;
  readonly spaces?: unknown;
  readonly authors?: unknown;
}

/** The limits in force. Throws INVALID_OPTION. */
export function readLimits(given: Partial<Limits> = {}): Limits {
  for (const [name, value] of Object.entries(given) as [keyof Limits, unknown][]) {
    if (!Object.hasOwn(DEFAULT_LIMITS, name)) throw wrong(`limits.${name} is not a limit`);
    if (!Number.isSafeInteger(value) || (value as number) < 1) throw wrong(`limits.${name} is not a positive integer`);
    const max = SHARED.includes(name) ? DEFAULT_LIMITS[name] : Number.MAX_SAFE_INTEGER;
    if ((value as number) > max) throw wrong(`limits.${name} is ${String(value)}; devices allow at most ${max}`);
  }
  return { ...DEFAULT_LIMITS, ...given };
}

/** How long things are kept. Throws INVALID_OPTION. */
export function readRetention(given: Partial<Retention> = {}): Retention {
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(DEFAULT_RETENTION, name)) throw wrong(`retention.${name} is not a time that something is kept`);
    if (!Number.isFinite(value) || value < 0) throw wrong(`retention.${name} is not a number of milliseconds`);
  }
  return { ...DEFAULT_RETENTION, ...given };
}

/** Throws INVALID_OPTION for what only a caller without types can pass. */
export function checkStorage(storage: Partial<StorageSource> | null | undefined): void {
  if (typeof storage?.open !== 'function')
    throw wrong(`storage is missing: pass sqlite('data/skerry.db'), postgres(url) or memory()`);
}

/** Throws INVALID_OPTION. */
export function checkAccess({ authenticate, spaces, authors }: AccessOptions): void {
  if (spaces !== undefined && spaces !== 'open' && spaces !== 'members') throw wrong(`spaces is none of open, members`);
  if (authors !== undefined && authors !== 'verified' && authors !== 'claimed')
    throw wrong(`authors is none of verified, claimed`);
  if (spaces === 'members' && !authenticate) throw wrong(`spaces: 'members' needs authenticate: who is who?`);
}

/** Throws INVALID_OPTION. */
export function checkOrigins(origins: readonly string[] = []): void {
  for (const origin of origins) {
    if (!originUrl(origin)) throw wrong(`origins: ${origin} is not an origin like https://app.example`);
  }
}

/** Throws INVALID_OPTION, without the token. */
export function checkMetricsToken(token?: string): void {
  if (token === undefined || (typeof token === 'string' && token.length >= METRICS_TOKEN_LENGTH)) return;
  throw wrong(`metricsToken is not a text of at least ${METRICS_TOKEN_LENGTH} characters`);
}

function wrong(message: string): SkerryError {
  return new SkerryError('INVALID_OPTION', message);
}
