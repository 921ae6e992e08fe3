/**
 * Who sits here, and at which device. `?user=anna&device=Anna's phone&space=demo` makes a window another person on
 * another device, with a database of its own; without it this browser is one person for good. `&clock=180` sets its clock wrong.
 */

import { readNames } from './chosen-names.ts';

export interface Identity {
  readonly user: { readonly id: string; readonly name: string };
  readonly device: { readonly name: string };
  /** What this device is called by the person in front of it: 'this laptop'. */
  readonly deviceHere: string;
  readonly space: string;
  readonly databaseName: string;
  /** The identity came from the address and not from this browser. */
  readonly isNamed: boolean;
  /** `clock=180`: this device's clock is three hours ahead. */
  readonly clockAheadMs: number;
}

export interface IdentityStore {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
}

const STORAGE_KEY = 'skerry.guest';

export function readIdentity(
  search: string,
  store: IdentityStore,
  userAgent: string,
  randomId: () => string,
): Identity {
  const query = new URLSearchParams(search);
  const named = query.get('user')?.trim();
  const user = named ? { id: named.toLowerCase(), name: capitalised(named) } : guest(store, randomId);
  const deviceName = query.get('device')?.trim() || deviceFrom(userAgent);
  const space = query.get('space')?.trim() || 'demo';
  const databaseName = databaseNameOf(space, user.id, deviceName);
  const chosen = readNames(store, databaseName);
  const device = { name: chosen.device ?? deviceName };
  return {
    user: { ...user, ...(chosen.user !== undefined && { name: chosen.user }) },
    device,
    deviceHere: deviceHere(device.name),
    space,
    databaseName,
    isNamed: Boolean(named),
    clockAheadMs: (Number(query.get('clock')) || 0) * 60_000,
  };
}

export function databaseNameOf(space: string, user: string, device: string): string {
  return ['skerry', space, user, device].map(encodeURIComponent).join('/');
}

/** The address of another person on another device, in the same space. */
export function addressOf(user: string, device: string, space: string): string {
  const query = new URLSearchParams({ user, device });
  if (space !== 'demo') query.set('space', space);
  return `?${query}`;
}

export function deviceFrom(userAgent: string): string {
  if (/iPhone/.test(userAgent)) return 'iPhone';
  if (/iPad/.test(userAgent)) return 'iPad';
  if (/Android/.test(userAgent)) return /Mobile/.test(userAgent) ? 'Android phone' : 'Android tablet';
  if (/Macintosh/.test(userAgent)) return 'Mac';
  if (/Windows/.test(userAgent)) return 'Windows laptop';
  return 'Laptop';
}

export function deviceHere(deviceName: string): string {
  if (/phone|pixel|mobile/i.test(deviceName)) return 'this phone';
  if (/pad|tablet/i.test(deviceName)) return 'this tablet';
  return 'this laptop';
}

function guest(store: IdentityStore, randomId: () => string): Identity['user'] {
  const known = store.getItem(STORAGE_KEY);
  const id = known ?? `guest-${randomId().slice(0, 8)}`;
  if (known === null) store.setItem(STORAGE_KEY, id);
  return { id, name: `Guest ${id.slice(-4)}` };
}

function capitalised(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}
