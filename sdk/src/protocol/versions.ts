/**
 * The history of the protocol: one line per version, with the hash of its schema. Whoever changes the schema adds a
 * version here and raises PROTOCOL_VERSION; `schema-hash.test.ts` fails until both is done.
 */

export interface ProtocolVersion {
  readonly version: number;
  /** `hash128(canonicalJson(SCHEMA))`. */
  readonly schema: string;
  readonly what: string;
}

export const PROTOCOL_VERSIONS: readonly ProtocolVersion[] = [
  {
    version: 1,
    schema: '5lwDbBnlcv9OnfMYiZbYDg',
    what: 'hello, push, applied, staged, ping; welcome, pushed, page, snapshot, pong, error; JSON over WebSocket',
  },
];
