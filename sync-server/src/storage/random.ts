/** The platform's randomness, for the identity of a server. */
import { randomBytes } from 'node:crypto';
import { randomName, type Sid } from '@skerry/sdk/kernel';

export function newSid(): Sid {
  return randomName(64, {
    bytes: (length) => randomBytes(length),
    fraction: () => randomBytes(4).readUInt32BE() / 2 ** 32,
  });
}
