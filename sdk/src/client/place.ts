/** Where commits happen, and who follows what becomes of them. */
import type { LocalDatabase } from '../store/local-database.ts';
import type { Lifetime } from './lifetime.ts';
import type { Receipts } from './receipts.ts';

export interface Place {
  readonly local: LocalDatabase;
  readonly lifetime: Lifetime;
  readonly receipts: Receipts;
}
