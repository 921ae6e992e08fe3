/**
 * The server as a library: storage, hub and HTTP put together.
 */
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerOptions } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SkerryError, type Limits, type Retention } from '@skerry/sdk/kernel';

import type { Access } from './hub/access.ts';
import { Hub } from './hub/hub.ts';
import { attachRequests } from './http/attach.ts';
import type { DoorOptions } from './http/door.ts';
import { createLinkHandler, type LinkHandler } from './http/links.ts';
import { isLoopback } from './http/loopback.ts';
import { createRequestHandler } from './http/requests.ts';
import { createSpacesHandler, isSpacesPath, type SpacesHandler } from './http/spaces.ts';
import { createUpgradeHandler, type UpgradeHandler } from './http/upgrade.ts';
import { createLogger, failureFields, type Logger } from './log.ts';
import { Metrics } from './metrics/metrics.ts';
import { SpaceSizes } from './metrics/space-sizes.ts';
import { checkAccess, checkMetricsToken, checkOrigins, checkStorage, readLimits, readRetention } from './options.ts';
import { Administration } from './spaces/administration.ts';
import { Spaces, type Turn } from './spaces/spaces.ts';
import type { Storage, StorageSource } from './storage/port.ts';

export interface SyncServerOptions extends Access {
  /** Where changes are kept: `sqlite(path)`, `postgres(url)` or `memory()`. */
  readonly storage: StorageSource;
  /** Folder of a built web app to serve beside the protocol. */
  readonly static?: string;
  /**
   * `members`: a space is made by a user, who owns it and says who else may come in; this server keeps who is in which. `open`, which holds
   * without it: every space is everybody's, as far as `authorize` lets them.
   */
  readonly spaces?: 'open' | 'members';
  /**
   * `verified`, which holds with `authenticate`: what says that it was written by a user must come from that user. `claimed`: the word of
   * the device is taken for it.
   */
  readonly authors?: 'verified' | 'claimed';
  /** Tightens the limits of the protocol; devices are told. */
  readonly limits?: Partial<Limits>;
  /** How long logs and deleted records are kept: 30 and 60 days without it. */
  readonly retention?: Partial<Retention>;
  /** How often a space's log is looked after at most, in milliseconds: a minute without it. */
  readonly maintenanceMs?: number;
  /** Origins of pages that may connect; without it, those of the host the request was sent to, and in development mode those of this machine. */
  readonly origins?: readonly string[];
  /** Take host names, addresses and TLS from X-Forwarded-Host, -For and -Proto: only with a proxy in front that sets them. */
  readonly trustProxy?: boolean;
  /**
   * With `authenticate`, also let devices of other machines in that did not come over TLS, whose tokens anybody on the way
   * can read: for a network of your own.
   */
  readonly allowPlain?: boolean;
  /** Sockets that may wait to be let in at the same time, 2,000 without it; more are answered 503. */
  readonly maxWaiting?: number;
  /** Bytes that all devices together may leave unread, 256 MiB without it; those that have read the least are cut off then. */
  readonly maxQueueBytes?: number;
  /** With it `GET /metrics` is answered to whoever brings it as a bearer token; without it to this machine, in development mode. */
  readonly metricsToken?: string;
  readonly logger?: Logger;
  /** Wall clock, milliseconds since 1970. */
  readonly now?: () => number;
  /** The storage failed for good: nothing is acknowledged any more. Somebody should restart the server and look at its disk. */
  readonly onFailure?: (failure: Error) => void;
}

export interface SyncServer {
  /** What the app that runs this server decides about members, devices and sessions. Null without `spaces: 'members'`. */
  readonly administration: Administration | null;
  /**
   * Starts to serve; port 0 takes a free one. Without `authenticate` only addresses of this machine are allowed:
   * another host is refused with INVALID_OPTION.
   */
  listen(port: number, host?: string): Promise<{ readonly url: string }>;
  /**
   * Serves WebSockets and links over HTTP (POST) at `/sync` of a server that is the caller's, who answers all other
   * requests and closes it. Listeners of 'request' are added before this call.
   */
  attach(server: Server): void;
  /** What `GET /metrics` answers, in the text format of Prometheus: to serve at an address of your own. */
  metrics(): Promise<string>;
  /** Finishes what is under way and resolves within ten seconds. What was acknowledged is durable. */
  close(): Promise<void>;
}

const CLOSE_TIMEOUT_MS = 8_000;
/** A connection on which nothing moves: somebody who does not fetch an answer. Longer than a poll is held. */
const IDLE_MS = 60_000;
const MAINTENANCE_MS = 60_000;
const MAX_QUEUE_BYTES = 268_435_456;

/** Opens the storage. Fails with INVALID_OPTION for options that contradict themselves, StorageError for the storage. */
export async function createSyncServer(options: SyncServerOptions): Promise<SyncServer> {
  checkStorage((options as Partial<SyncServerOptions> | undefined)?.storage);
  const limits = readLimits(options.limits);
  const retention = readRetention(options.retention);
  checkOrigins(options.origins);
  checkMetricsToken(options.metricsToken);
  checkAccess(options);
  const logger = options.logger ?? createLogger('info');
  const storage = await options.storage.open(logger);
  const turns: Turns = { tell: () => undefined };
  const spaces =
    options.spaces === 'members' ? await openSpaces(storage, turns, { now: options.now ?? Date.now, logger }) : null;
  const server = new NodeSyncServer(options, { limits, retention, logger, spaces }, storage);
  turns.tell = (told) => server.turn(told);
  return server;
}

/** Who hears what becomes of rights: there is nobody before the server is there. */
interface Turns {
  tell(turns: readonly Turn[]): void;
}

async function openSpaces(
  storage: Storage,
  turns: Turns,
  { now, logger }: { readonly now: () => number; readonly logger: Logger },
): Promise<Spaces> {
  try {
    return await Spaces.open({ rows: storage.access, now, logger, onTurns: (told) => turns.tell(told) });
  } catch (failure) {
    await storage.close();
    throw failure;
  }
}

/** Options with what holds where none was given. */
interface Checked {
  readonly limits: Limits;
  readonly retention: Retention;
  readonly logger: Logger;
  readonly spaces: Spaces | null;
}

class NodeSyncServer implements SyncServer {
  readonly administration: Administration | null;
  readonly #options: SyncServerOptions;
  readonly #storage: Storage;
  readonly #logger: Logger;
  readonly #limits: Limits;
  readonly #hub: Hub;
  readonly #upgrade: UpgradeHandler;
  readonly #links: LinkHandler;
  readonly #metrics = new Metrics();
  readonly #sizes: SpaceSizes;
  readonly #spaces: SpacesHandler;
  readonly #own: Server[] = [];
  readonly #detach: (() => void)[] = [];
  #closed: Promise<void> | null = null;

  constructor(options: SyncServerOptions, { limits, retention, logger, spaces }: Checked, storage: Storage) {
    this.administration = spaces && new Administration(spaces);
    this.#options = options;
    this.#storage = storage;
    this.#logger = logger;
    const maintenanceMs = options.maintenanceMs ?? MAINTENANCE_MS;
    this.#sizes = new SpaceSizes({
      storage,
      everyMs: maintenanceMs,
      onFailure: (failure) => logger.error('measuring-failed', failureFields(failure)),
    });
    this.#limits = limits;
    this.#hub = new Hub({
      storage,
      limits,
      retention,
      maintenanceMs,
      meter: this.#metrics.meter,
      access: options,
      spaces,
      verifiesAuthors: options.authenticate !== undefined && options.authors !== 'claimed',
      maxWaiting: options.maxWaiting ?? 2_000,
      maxQueueBytes: options.maxQueueBytes ?? MAX_QUEUE_BYTES,
      logger,
      now: options.now ?? Date.now,
      onBroken: (failure) => options.onFailure?.(failure),
    });
    const rules = {
      ...(options.origins ? { origins: options.origins } : {}),
      trustProxy: options.trustProxy ?? false,
      ownMachine: !options.authenticate,
    };
    const door: DoorOptions = {
      hub: this.#hub,
      limits,
      rules,
      loopbackOnly: !options.authenticate,
      requireTls: options.authenticate !== undefined && !options.allowPlain,
      meter: this.#metrics.meter,
      logger,
    };
    this.#upgrade = createUpgradeHandler(door);
    this.#links = createLinkHandler(door);
    this.#spaces = createSpacesHandler({ ...door, spaces, access: options });
  }

  turn(turns: readonly Turn[]): void {
    this.#hub.turn(turns);
  }

  async listen(port: number, host: string = '127.0.0.1'): Promise<{ readonly url: string }> {
    if (!this.#options.authenticate && !isLoopback(host)) {
      throw new SkerryError(
        'INVALID_OPTION',
        `without authenticate the server listens on this machine only, not on ${host}`,
      );
    }
    const handler = this.#requests(this.#options.static ?? null);
    const server = createServer(timesOf(this.#limits), handler);
    server.setTimeout(Math.max(IDLE_MS, 2 * this.#limits.pollMs));
    server.on('upgrade', this.#upgrade);
    await start(server, port, host);
    this.#own.push(server);
    return { url: urlOf(server.address() as AddressInfo) };
  }

  attach(server: Server): void {
    const upgrade: UpgradeHandler = (request, socket, head) => {
      if (isSyncUrl(request.url)) this.#upgrade(request, socket, head);
    };
    server.on('upgrade', upgrade);
    this.#detach.push(() => server.off('upgrade', upgrade));
    const isOurs = ({ url, method }: IncomingMessage): boolean =>
      ((method === 'POST' || method === 'OPTIONS') && isSyncUrl(url)) || isSpacesPath(url ?? '');
    this.#detach.push(attachRequests(server, isOurs, this.#requests(null)));
  }

  #requests(folder: string | null): RequestListener {
    return createRequestHandler({
      isReady: () => this.#hub.isReady,
      folder,
      links: this.#links,
      metrics: {
        token: this.#options.metricsToken ?? null,
        loopbackOnly: !this.#options.authenticate,
        text: () => this.metrics(),
      },
      spaces: this.#spaces,
      logger: this.#logger,
    });
  }

  metrics(): Promise<string> {
    return this.#metrics.text({
      figures: () => this.#hub.figures,
      largestSpaces: () => this.#sizes.largest(),
      freeBytes: async () => (await this.#storage.freeBytes?.()) ?? null,
      files: async () => (await this.#storage.files?.()) ?? {},
      isReady: () => this.#hub.isReady,
    });
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    for (const detach of this.#detach) detach();
    const stopped = this.#own.map(stop);
    await Promise.all([this.#hub.close(CLOSE_TIMEOUT_MS), this.#sizes.close()]);
    for (const server of this.#own) server.closeAllConnections();
    await Promise.all(stopped);
    await this.#storage.close();
  }
}

/** A request that trickles in is cut off, and so is one that does not begin; Node looks only so often. */
function timesOf({ helloMs }: Limits): ServerOptions {
  return {
    headersTimeout: helloMs,
    requestTimeout: 2.5 * helloMs,
    connectionsCheckingInterval: Math.ceil(helloMs / 5),
    keepAliveTimeout: 5_000,
  };
}

function isSyncUrl(url: string | undefined): boolean {
  return /^\/sync(?:[?#]|$)/.test(url ?? '');
}

function start(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** No new connections; idle ones are closed. */
function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
}

function urlOf({ address, family, port }: AddressInfo): string {
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
