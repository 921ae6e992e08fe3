/**
 * What a server counts and measures, as Prometheus reads it. Each server has a registry of its own; what concerns the
 * process (CPU, memory, file descriptors, event-loop delay) is measured once, by `prom-client` under its usual names.
 */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

import type { Figures, HubMeter } from './meter.ts';
import type { SpaceSize } from './space-sizes.ts';

/** What is asked for when somebody reads the metrics. */
export interface MetricsSource {
  figures(): Figures;
  largestSpaces(): readonly SpaceSize[];
  /** Bytes on disk, by the kind of file; empty for a storage that has none. */
  files(): Promise<Readonly<Record<string, number>>>;
  /** Bytes left on its disk; null for a storage that has none of its own. */
  freeBytes(): Promise<number | null>;
  isReady(): boolean;
}

const GAUGES: readonly (readonly [keyof Figures, name: string, help: string])[] = [
  ['connections', 'skerry_connections', 'Connections of devices.'],
  ['waiting', 'skerry_connections_waiting', 'Connections that were not let in yet.'],
  ['spaces', 'skerry_spaces_open', 'Spaces that have a device connected.'],
  ['snapshots', 'skerry_snapshots_open', 'Snapshots on their way to devices.'],
  ['pushes', 'skerry_pushes_waiting', 'Pushes that wait for their transaction.'],
  ['queueBytes', 'skerry_queue_bytes', 'Bytes sent to devices that have not left yet.'],
  ['queueBytesMax', 'skerry_queue_bytes_max', 'The most of them for one device.'],
  ['lagEntries', 'skerry_lag_entries', 'Entries of logs that connected devices were not sent yet.'],
  ['lagEntriesMax', 'skerry_lag_entries_max', 'The most of them for one device.'],
];

/** From half a millisecond to ten seconds: a commit on a good disk, and one that somebody should look at. */
const SECONDS: readonly number[] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];
const COUNTS: readonly number[] = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_000];

export class Metrics {
  readonly #registry = new Registry();
  readonly #gauges = GAUGES.map(([figure, name, help]) => [figure, this.#gauge(name, help)] as const);
  readonly #ready = this.#gauge('skerry_ready', '1 when new connections are let in, else 0.');
  readonly #changes = this.#counter('skerry_changes_total', 'Changes made durable.');
  readonly #refused = this.#counter('skerry_rejects_total', 'Changes and connections refused, by error code.', 'code');
  readonly #turnedAway = this.#counter('skerry_turned_away_total', 'Refused at the door, by HTTP status.', 'status');
  readonly #closed = this.#counter('skerry_closed_total', 'Connections closed by this server, by close code.', 'code');
  readonly #commits = this.#histogram('skerry_commit_seconds', 'Time of a durable transaction.', SECONDS);
  readonly #batches = this.#histogram('skerry_commit_pushes', 'Pushes in one durable transaction.', COUNTS);
  readonly #answers = this.#histogram('skerry_push_seconds', 'Time from a push to its acknowledgement.', SECONDS);
  readonly #files = this.#gauge('skerry_storage_bytes', 'Bytes of the files of the storage.', 'file');
  readonly #free = this.#gauge('skerry_storage_free_bytes', 'Bytes left on the disk of a file.', 'file');
  readonly #spaceBytes = this.#gauge('skerry_space_bytes', 'Bytes of records and log of the largest spaces.', 'space');
  readonly #spaceRecords = this.#gauge('skerry_space_records', 'Records of the largest spaces.', 'space');

  readonly meter: HubMeter = {
    committed: (ms, pushes, changes) => {
      this.#commits.observe(ms / 1_000);
      this.#batches.observe(pushes);
      this.#changes.inc(changes);
    },
    acknowledged: (ms) => this.#answers.observe(ms / 1_000),
    refused: (code) => this.#refused.inc({ code }),
    turnedAway: (status) => this.#turnedAway.inc({ status }),
    closed: (code) => this.#closed.inc({ code }),
  };

  constructor() {
    processRegistry();
  }

  /** In the text format of Prometheus. */
  async text(source: MetricsSource): Promise<string> {
    const figures = source.figures();
    for (const [figure, gauge] of this.#gauges) gauge.set(figures[figure]);
    this.#ready.set(Number(source.isReady()));
    for (const [file, bytes] of Object.entries(await source.files())) this.#files.set({ file }, bytes);
    const free = await source.freeBytes();
    if (free !== null) this.#free.set({ file: 'database' }, free);
    this.#nameLargest(source.largestSpaces());
    return Registry.merge([this.#registry, processRegistry()]).metrics();
  }

  #nameLargest(sizes: readonly SpaceSize[]): void {
    this.#spaceBytes.reset();
    this.#spaceRecords.reset();
    for (const { space, bytes, records } of sizes) {
      this.#spaceBytes.set({ space }, bytes);
      this.#spaceRecords.set({ space }, records);
    }
  }

  #gauge(name: string, help: string, ...labelNames: readonly string[]): Gauge {
    return new Gauge({ name, help, labelNames: [...labelNames], registers: [this.#registry] });
  }

  #counter(name: string, help: string, ...labelNames: readonly string[]): Counter {
    return new Counter({ name, help, labelNames: [...labelNames], registers: [this.#registry] });
  }

  #histogram(name: string, help: string, buckets: readonly number[]): Histogram {
    return new Histogram({ name, help, buckets: [...buckets], registers: [this.#registry] });
  }
}

let ofProcess: Registry | null = null;

/** From the first server of the process on. Its observers stay for good, so there is one of it. */
function processRegistry(): Registry {
  if (ofProcess === null) {
    ofProcess = new Registry();
    collectDefaultMetrics({ register: ofProcess });
  }
  return ofProcess;
}
