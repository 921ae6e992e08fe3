/** An identity provider for tests: real keys, published by a real HTTP server that counts who asks. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, exportSPKI, generateKeyPair, SignJWT, type JWTHeaderParameters, type JWK } from 'jose';

type Pair = Awaited<ReturnType<typeof generateKeyPair>>;

export const ISSUER = 'https://issuer.example';
export const AUDIENCE = 'https://sync.example';

export interface TokenParts {
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly header?: Partial<JWTHeaderParameters>;
  /** Which of the issuer's keys signs. */
  readonly kid?: string;
}

export class Issuer implements AsyncDisposable {
  readonly #server = createServer((request, response) => {
    this.asked.push(request.url!);
    if (this.isDown) return void response.writeHead(503).end();
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify({ keys: this.published }));
  });
  readonly #pairs = new Map<string, Pair>();
  /** Paths that were asked for. */
  readonly asked: string[] = [];
  published: JWK[] = [];
  isDown = false;

  static async start(): Promise<Issuer> {
    const issuer = new Issuer();
    await new Promise<void>((resolve) => issuer.#server.listen(0, '127.0.0.1', resolve));
    await issuer.rotate('first');
    return issuer;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get jwks(): string {
    return `${this.url}/keys`;
  }

  /** From now on it publishes this key alone. */
  async rotate(kid: string, alg = 'ES256'): Promise<void> {
    const pair = await generateKeyPair(alg, { extractable: true });
    this.#pairs.set(kid, pair);
    this.published = [{ ...(await exportJWK(pair.publicKey)), kid, alg, use: 'sig' }];
  }

  /** A good one, but for what is given. A claim that is undefined is left out. */
  async token({ claims = {}, header = {}, kid = 'first' }: TokenParts = {}): Promise<string> {
    const now = Math.floor(Date.now() / 1_000);
    const all = { sub: 'anna', iss: ISSUER, aud: AUDIENCE, iat: now, exp: now + 300, ...claims };
    const { alg } = { alg: 'ES256', ...header };
    return new SignJWT(JSON.parse(JSON.stringify(all)) as Record<string, unknown>)
      .setProtectedHeader({ alg, kid, ...header })
      .sign(this.#pairs.get(kid)!.privateKey);
  }

  /** The public key as everybody can have it. */
  pem(kid = 'first'): Promise<string> {
    return exportSPKI(this.#pairs.get(kid)!.publicKey);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
