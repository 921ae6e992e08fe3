/** The devices of the playground: who has them and what they are called. */
export type DeviceId = 'anna' | 'bruno' | 'clara' | 'annas-phone';

export interface Character {
  readonly id: DeviceId;
  /** As in the address: `?user=anna`. */
  readonly user: string;
  readonly name: string;
  readonly device: string;
}

export const CAST: Readonly<Record<DeviceId, Character>> = {
  anna: { id: 'anna', user: 'anna', name: 'Anna', device: "Anna's laptop" },
  bruno: { id: 'bruno', user: 'bruno', name: 'Bruno', device: "Bruno's phone" },
  clara: { id: 'clara', user: 'clara', name: 'Clara', device: "Clara's tablet" },
  'annas-phone': { id: 'annas-phone', user: 'anna', name: 'Anna', device: "Anna's phone" },
};

/** Who comes in when one more device is wanted. */
export const ORDER: readonly DeviceId[] = ['anna', 'bruno', 'clara', 'annas-phone'];
