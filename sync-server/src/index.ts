/** The Skerry sync server as a library; the command `skerry-server` is the same with flags. */
export { jwt, type JwtClaims, type JwtOptions } from './auth/jwt.ts';
export type { Access, Authenticate, Principal } from './hub/access.ts';
export { createLogger, type Logger, type LogFields, type LogLevel } from './log.ts';
export { memory } from './storage/memory.ts';
export type { AccessChange, AccessRow, AccessRows } from './storage/access-rows.ts';
export { StorageError } from './storage/port.ts';
export { postgres, type PostgresOptions } from './storage/postgres/postgres.ts';
export type {
  Cut,
  Hint,
  Look,
  Measured,
  MeasuredPlace,
  Piece,
  PinnedSpace,
  Question,
  ReadLimit,
  RecordName,
} from './storage/port.ts';
export type { SpaceQuestion, Storage, StorageErrorKind, StorageSource, Transaction } from './storage/port.ts';
export { sqlite, type SqliteOptions } from './storage/sqlite/sqlite.ts';
export type { Administration } from './spaces/administration.ts';
export type { DeviceInfo } from './spaces/devices.ts';
export type { MemberInfo, Person } from './spaces/directory.ts';
export type { Role } from './spaces/role.ts';
export { createSyncServer, type SyncServer, type SyncServerOptions } from './sync-server.ts';
export {
  DEFAULT_LIMITS,
  DEFAULT_RETENTION,
  SkerryError,
  type ErrorCode,
  type Limits,
  type Retention,
} from '@skerry/sdk/kernel';
