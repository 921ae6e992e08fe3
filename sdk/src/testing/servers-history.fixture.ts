/** Random histories of several servers and roaming devices, from a seed. */
import { emptyDisk, copyDisk } from '../store/memory-device.ts';
import { randomName } from '../lib/ids.ts';
import { MINUTE_MS, Servers } from './servers.fixture.ts';
import type { TestDevice } from './test-device.ts';

/** What happens to a server in the middle: nothing, it is lost for good, its disk is put back with a new name or with its old one. */
export const FATES = ['roam', 'lost', 'alone', 'restored', 'sameSid'] as const;

type Fate = (typeof FATES)[number];

const STEPS = 60;

export function randomHistory(seed: number, fate: Fate): Servers {
  const isSeveral = fate === 'roam' || fate === 'lost';
  const world = new Servers({
    seed,
    servers: isSeveral ? 2 + (seed % 2) : 1,
    devices: 3,
    retention: { tombstoneMs: 30 * MINUTE_MS, logMs: seed % 3 === 0 ? MINUTE_MS : 1e12 },
    entriesPerPage: 1 + (seed % 6),
  });
  const history = new History(world, fate);
  const half = STEPS / 2;
  for (let step = 0; step < STEPS; step++) {
    if (step === half) history.backUp();
    if (step === half + 15) history.strike();
    history.step();
  }
  history.end();
  return world;
}

class History {
  readonly #world: Servers;
  readonly #fate: Fate;
  readonly #own = new Map<TestDevice, string[]>();
  #backup: ReturnType<Servers['servers'][0]['copyDisk']> | null = null;
  #isStruck = false;

  constructor(world: Servers, fate: Fate) {
    this.#world = world;
    this.#fate = fate;
  }

  backUp(): void {
    this.#backup = this.#world.servers[0]!.copyDisk();
  }

  /** The fate of the last or only server. */
  strike(): void {
    const world = this.#world;
    this.#isStruck = true;
    if (this.#fate === 'restored') world.servers[0]!.restore(this.#backup!, randomName(64, world.random));
    if (this.#fate === 'sameSid') world.servers[0]!.restore(this.#backup!);
    if (this.#fate !== 'lost') return;
    const lost = world.servers.at(-1)!;
    world.lose(lost);
    for (const device of world.devices) {
      if (device.server !== lost) continue;
      device.server = world.servers[0]!;
      device.cutLink();
    }
    world.timeline.after(2 * MINUTE_MS, () => world.servers[0]!.evict(lost.sid));
    world.pass(2 * MINUTE_MS + 1);
  }

  step(): void {
    const world = this.#world;
    const device = this.#pick(world.devices);
    const server = this.#pick(world.servers);
    const dice = this.#below(100);
    if (dice < 50) world.write(device, `r${this.#below(4)}`, this.#below(2));
    else if (dice < 54) this.#create(device);
    else if (dice < 57) this.#delete(device);
    else if (dice < 62) device.cutLink();
    else if (dice < 68) this.#roam(device);
    else if (dice < 73)
      this.#during(
        20_000,
        (is) => (device.isUnreachable = is),
        () => device.cutLink(),
      );
    else if (dice < 76)
      this.#during(
        5 * MINUTE_MS,
        (is) => (device.isUnreachable = is),
        () => device.cutLink(),
      );
    else if (dice < 79) this.#during(20_000, (is) => (device.weather.isDownSilent = is));
    else if (dice < 82) this.#crash(device);
    else if (dice < 84) device.restart();
    else if (dice < 87) server.kill();
    else if (dice < 90) this.#cutPeering();
    else if (dice < 92) this.#clone(device);
    else if (this.#mayCut) for (const each of world.servers) each.maintain();
    world.pass(this.#below(3) === 0 ? 0 : this.#below(10) === 0 ? MINUTE_MS : this.#below(800));
  }

  /** What a backup lacks is not cut from the log: nobody could offer it to the server that is put back. */
  get #mayCut(): boolean {
    const isPutBack = this.#fate === 'restored' || this.#fate === 'sameSid';
    return !isPutBack || this.#backup === null || this.#isStruck;
  }

  end(): void {
    const world = this.#world;
    world.pass(6 * MINUTE_MS);
    world.settle();
    world.publish();
    world.settle(MINUTE_MS);
  }

  #create(device: TestDevice): void {
    const id = this.#world.newId();
    this.#world.write(device, id);
    this.#own.set(device, [...(this.#own.get(device) ?? []), id]);
  }

  /** Only what it made itself: nobody else edits it, so nothing comes too late. */
  #delete(device: TestDevice): void {
    const id = this.#own.get(device)?.pop();
    if (id) this.#world.delete(device, id);
  }

  #roam(device: TestDevice): void {
    device.server = this.#pick(this.#world.servers);
    device.cutLink();
  }

  #crash(device: TestDevice): void {
    device.crashSync();
    this.#world.timeline.after(this.#below(5_000), () => {
      if (device.session === null) device.start();
    });
  }

  #clone(device: TestDevice): void {
    if (this.#world.devices.length >= 5) return;
    const disk = this.#below(3) ? copyDisk(device.store.disk) : emptyDisk('new');
    this.#world.addDevice(`${device.name}'`, device.server, disk);
  }

  #cutPeering(): void {
    if (this.#world.peerings.length === 0) return;
    const peering = this.#pick(this.#world.peerings);
    this.#during(
      MINUTE_MS,
      (is) => (peering.isUnreachable = is),
      () => peering.cutLink(),
    );
  }

  #during(ms: number, set: (is: boolean) => void, then: () => void = () => undefined): void {
    set(true);
    this.#world.timeline.after(this.#below(ms), () => set(false));
    then();
  }

  #below(n: number): number {
    return Math.floor(this.#world.random.fraction() * n);
  }

  #pick<T>(from: readonly T[]): T {
    return from[this.#below(from.length)]!;
  }
}
