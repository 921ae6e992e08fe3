/** Every limit of protocol version 1, by name. Server options may tighten them; the welcome tells the device. */

export interface Limits {
  /** Largest frame in bytes of UTF-8. A larger one closes the connection with 1009. */
  readonly frameBytes: number;
  /** Largest change in bytes of its JSON text. */
  readonly changeBytes: number;
  /** Most changes in one push. */
  readonly changesPerPush: number;
  /** Most entries in one page. */
  readonly entriesPerPage: number;
  /** A page is closed when it has this many bytes; it always holds at least one entry. */
  readonly pageBytes: number;
  /** Pages on the way that the device has not yet reported as applied. */
  readonly pagesInFlight: number;
  /** Time for the first frame, in milliseconds. */
  readonly helloMs: number;
  /** The device sends something at least this often, in milliseconds. */
  readonly heartbeatMs: number;
  /** A peer that sent nothing for this long is gone, in milliseconds. */
  readonly silenceMs: number;
  /** How far ahead of the server's clock a stamp may be, in milliseconds. */
  readonly driftMs: number;
  /** Unsent bytes after which a slow reader is cut off (1013); it resumes by its cursor. */
  readonly bufferedBytes: number;
  readonly recordsPerChange: number;
  readonly opsPerRecord: number;
  readonly siblingsPerField: number;
  /** Most changes that one record's state names. */
  readonly marksPerRecord: number;
  /** Most records in one piece of a snapshot. */
  readonly recordsPerPiece: number;
  /** How long a poll over HTTP is held when there is nothing to say, in milliseconds. */
  readonly pollMs: number;
  /** A link over HTTP that nobody polls for this long is gone, in milliseconds. */
  readonly linkIdleMs: number;
  /** Most links over HTTP from one address; more are answered 429. */
  readonly linksPerAddress: number;
  /** Bytes that a peer may send before it is welcomed; more closes with 1009. */
  readonly helloBytes: number;
  /** Most peers of one address that wait to be let in; more are answered 429. */
  readonly waitingPerAddress: number;
  /** Most sockets and links of one address; more are answered 429. */
  readonly socketsPerAddress: number;
  /** Most sockets and links of one user; the next is told RATE_LIMITED. */
  readonly socketsPerUser: number;
  /** Most spaces that one device of a user is connected to at a time; the next is told RATE_LIMITED. */
  readonly spacesPerDevice: number;
  /** Hellos of one user that are looked at in a minute. */
  readonly hellosPerMinute: number;
  /** Tokens that were not good from one address in a minute; after that it is answered 429. */
  readonly failuresPerMinute: number;
  /** Frames of one socket that are read in a second, over some seconds; what comes faster waits in the network. */
  readonly framesPerSecond: number;
  /** Bytes of one socket that are read in a second, likewise. */
  readonly bytesPerSecond: number;
  /** Snapshots that are kept for one user at a time. */
  readonly snapshotsPerUser: number;
  /** Largest state of one record in bytes of its JSON text, so that it fits into a piece of a snapshot. */
  readonly recordBytes: number;
  /** Bytes that the log and the records of one space may take. */
  readonly spaceBytes: number;
}

export const DEFAULT_LIMITS: Limits = {
  frameBytes: 1_048_576,
  changeBytes: 786_432,
  changesPerPush: 1_000,
  entriesPerPage: 500,
  pageBytes: 524_288,
  pagesInFlight: 2,
  helloMs: 10_000,
  heartbeatMs: 5_000,
  silenceMs: 12_000,
  driftMs: 60_000,
  bufferedBytes: 4_194_304,
  recordsPerChange: 5_000,
  opsPerRecord: 2_000,
  siblingsPerField: 1_000,
  marksPerRecord: 100_000,
  recordsPerPiece: 500,
  pollMs: 20_000,
  linkIdleMs: 15_000,
  linksPerAddress: 200,
  helloBytes: 262_144,
  waitingPerAddress: 200,
  socketsPerAddress: 10_000,
  socketsPerUser: 200,
  spacesPerDevice: 100,
  hellosPerMinute: 600,
  failuresPerMinute: 50,
  framesPerSecond: 500,
  bytesPerSecond: 2_097_152,
  snapshotsPerUser: 8,
  recordBytes: 917_504,
  spaceBytes: 1_073_741_824,
};

export const MAX_ID_LENGTH = 256;
export const MAX_NAME_LENGTH = 128;
