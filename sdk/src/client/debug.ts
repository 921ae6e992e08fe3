/** db.debug: whether what is stored holds together, and everything that somebody needs who looks for a fault. */
import type { CollectionPlan } from '../policies/registry.ts';
import { LAYOUT_VERSION } from '../store/layout.ts';
import type { LocalDatabase } from '../store/local-database.ts';
import { asSkerryError } from './failure.ts';
import type { HotStates } from './hot-states.ts';
import type { Lifetime } from './lifetime.ts';
import type { RecordedEvents } from './recorded-events.ts';
import type { Debug, State, StorageHealth } from './types.ts';
import { guarded } from './write-scope.ts';

/** Of the form of an export. */
const EXPORT_VERSION = 1;

export interface DebugParts {
  readonly local: LocalDatabase;
  readonly lifetime: Lifetime;
  readonly plans: readonly CollectionPlan[];
  readonly states: HotStates;
  readonly storage$: State<StorageHealth>;
  readonly events: Pick<RecordedEvents, 'recent'>;
}

export function createDebug({ local, lifetime, plans, states, storage$, events }: DebugParts): Debug {
  const document = async (redact: (value: unknown) => unknown): Promise<Blob> => {
    const plain = (value: unknown): unknown => redact(JSON.parse(JSON.stringify(value, errorsAsData)));
    const head = plain({
      format: 'skerry-debug',
      version: EXPORT_VERSION,
      at: new Date(),
      layout: LAYOUT_VERSION,
      database: local.dexie.name,
      deviceId: local.deviceId,
      collections: Object.fromEntries(plans.map(planView)),
      status: states.status$.value,
      storage: storage$.value,
    }) as object;
    const stores = await local.dump(plain);
    return new Blob([JSON.stringify({ ...head, stores, events: events.recent.map(plain) })], {
      type: 'application/json',
    });
  };

  return {
    verify: (options) => guarded(lifetime, () => local.verify(options)),
    export: (options) =>
      guarded(lifetime, async () => {
        const { createRedaction } = await import('./redact.ts');
        return document(options?.redact ? createRedaction() : (value) => value);
      }),
  };
}

/** Functions say nothing here, and JSON leaves them out. */
function planView({ name, fields, groups, onDeleteVsEdit, constraints = [] }: CollectionPlan): [string, unknown] {
  return [name, { policies: fields, groups, onDeleteVsEdit, constraints: constraints.map(({ kind }) => ({ kind })) }];
}

function errorsAsData(_key: string, value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  const { code, message } = asSkerryError(value);
  return { code, message };
}
