/** A TCP proxy before a PostgreSQL that cuts a connection where a COMMIT goes over it, or carries nothing and ends nothing. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface CommitProxy extends AsyncDisposable {
  /** The given address, by way of the proxy. */
  readonly url: string;
  /** Of the next COMMIT: cut before it arrives, or after it was done and before its answer comes back. */
  cutNext(where: 'before' | 'after'): void;
  /** From now on nothing is carried either way, on connections that are there and on new ones; or again everything, on new ones. */
  swallow(isOn: boolean): void;
  /** How often it was cut. */
  readonly cuts: number;
}

export async function commitProxy(url: string): Promise<CommitProxy> {
  const target = new URL(url);
  let next: 'before' | 'after' | null = null;
  let cuts = 0;
  let isHole = false;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const database = connect(Number(target.port), target.hostname);
    let isDeaf = false;
    // What was swallowed is missing for ever.
    let isLost = false;
    const cut = (): void => {
      client.destroy();
      database.destroy();
    };
    for (const socket of [client, database]) {
      sockets.add(socket);
      socket.on('error', cut);
      socket.on('close', () => (sockets.delete(socket), cut()));
    }
    const isCarried = (): boolean => !(isLost ||= isHole);
    client.on('data', (chunk) => {
      if (!isCarried()) return;
      if (next !== null && chunk.includes('COMMIT')) {
        const where = next;
        next = null;
        cuts++;
        if (where === 'before') return cut();
        isDeaf = true;
      }
      database.write(chunk);
    });
    database.on('data', (chunk) => {
      if (!isCarried()) return;
      if (isDeaf) cut();
      else client.write(chunk);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const through = new URL(url);
  through.port = String((server.address() as AddressInfo).port);
  return {
    url: through.href,
    swallow: (isOn) => void (isHole = isOn),
    cutNext: (where) => void (next = where),
    get cuts() {
      return cuts;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
