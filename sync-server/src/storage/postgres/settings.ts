/** Where a PostgreSQL is and how it is used, with everything that has a default. */
export interface Settings {
  readonly url: string;
  readonly schema: string;
  readonly connections: number;
  readonly snapshots: number;
  readonly pollMs: number;
  readonly patienceMs: number;
  readonly answerMs: number;
}
