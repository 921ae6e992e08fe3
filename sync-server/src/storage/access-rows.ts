/**
 * What a storage keeps of who may do what: small rows, found by their scope and key, whose text means nothing to it. Next to a
 * space's log they are few and seldom change, so all that change them wait for one another; the numbers of the changes
 * then have no gaps that are filled later, and another node learns by them what has changed.
 */

export interface AccessRow {
  readonly scope: string;
  readonly key: string;
  readonly text: string;
  /** Number of the change that set it: each change of rows has a greater one than all before. */
  readonly version: number;
}

/** Scopes and keys have 1 to 600 characters, well-formed and without NUL. */
export interface AccessRows {
  get(scope: string, key: string): Promise<string | null>;
  /** All rows of a scope, in a fixed order. */
  list(scope: string): Promise<readonly AccessRow[]>;
  /** Of the latest change; 0 before the first. */
  version(): Promise<number>;
  /** Rows that were set after this version and are still there, in the order of their versions, at most so many. */
  since(version: number, max: number): Promise<readonly AccessRow[]>;
  /** One durable transaction, alone with all rows. What it sets has one version. */
  change<T>(work: (rows: AccessChange) => Promise<T>): Promise<T>;
}

/** Reads what it has written itself. */
export interface AccessChange {
  get(scope: string, key: string): Promise<string | null>;
  list(scope: string): Promise<readonly AccessRow[]>;
  /** Null takes the row away, and no node is told: who must hear of an end sets a row that says so. */
  set(scope: string, key: string, text: string | null): Promise<void>;
}
