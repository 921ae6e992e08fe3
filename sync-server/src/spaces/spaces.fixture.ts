/** Users of a server with members, who ask it over HTTP as the SDK does. */
import type { SyncServerOptions } from '../sync-server.ts';

/** A token is the name of its user, and perhaps what follows a slash. */
export const BY_NAME: Pick<SyncServerOptions, 'authenticate' | 'spaces'> = {
  spaces: 'members',
  authenticate: async (token) => {
    const name = token?.split('/')[0];
    return name === undefined || name === 'forged' ? null : { id: name, name: name.toUpperCase() };
  },
};

export interface Answer {
  readonly status: number;
  // oxlint-disable-next-line no-explicit-any -- whatever the server says; tests look at it
  readonly body: any;
  readonly headers: Headers;
}

export type Ask = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Readonly<Record<string, string>>,
) => Promise<Answer>;

export function asUser(url: () => string, token: string | null): Ask {
  return async (method, path, body, headers = {}) => {
    const response = await fetch(`${url()}/sync/${path}`, {
      method,
      headers: { ...(token === null ? {} : { Authorization: `Bearer ${token}` }), ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? null : JSON.parse(text), headers: response.headers };
  };
}
