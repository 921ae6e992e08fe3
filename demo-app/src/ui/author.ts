/** People and devices by name: 'You · this laptop · 10:42', 'Anna · Anna's phone · 10:45'. */
import type { Version } from '@skerry/sdk';

import type { Identity } from '../data/identity.ts';

export interface Author {
  /** 'You' or 'Anna' */
  readonly name: string;
  /** 'this laptop' or "Anna's phone" */
  readonly device: string;
  readonly isMe: boolean;
}

type Written = Pick<Version, 'user' | 'device' | 'here'>;

export function authorOf(version: Written, me: Identity): Author {
  const isMe = version.here || version.user?.id === me.user.id;
  return {
    name: isMe ? 'You' : (version.user?.name ?? version.user?.id ?? 'Someone'),
    device: version.here ? me.deviceHere : (version.device?.name ?? 'another device'),
    isMe,
  };
}

/** 'Keep yours', "Keep Anna's"; with the device when the name alone would not tell them apart. */
export function keepLabel(version: Written, all: readonly Written[], me: Identity): string {
  const { name, device, isMe } = authorOf(version, me);
  const whose = isMe ? 'yours' : possessive(name);
  const isUnique = all.filter((other) => authorOf(other, me).name === name).length === 1;
  return isUnique ? `Keep ${whose}` : `Keep ${whose} (${device})`;
}

export function possessive(name: string): string {
  return /s$/i.test(name) ? `${name}’` : `${name}’s`;
}
