/** The platform's cryptographic generator: identities are made of this. */
import type { Random } from '../lib/random.ts';

export const platformRandom: Random = {
  bytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
  fraction: () => crypto.getRandomValues(new Uint32Array(1))[0]! / 4294967296,
};
