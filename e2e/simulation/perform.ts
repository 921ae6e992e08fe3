/** How each action of a script is done in a world. */
import type { Action, Mood } from './actions.ts';
import { MOST_DEVICES } from './actions.ts';
import { DEVICE_CLOCK, SERVER_CLOCK } from './counters.ts';
import { Dice } from './dice.ts';
import type { SimDevice } from './sim-device.ts';
import type { SimServer } from './sim-server.ts';
import type { Transactions } from './transactions.ts';
import type { World } from './world.ts';
import { corruptRecord } from './corruption.ts';

/** Longer than a device takes to read its outbox. */
const READ_MS = 20;

type RestoreServer = Extract<Action, { do: 'restore-server' }>;

export class Perform {
  readonly #world: World;
  readonly #transactions: Transactions;

  constructor(world: World, transactions: Transactions) {
    this.#world = world;
    this.#transactions = transactions;
  }

  /** Returns what was done, in words. */
  perform(action: Action): string {
    if ('device' in action) {
      const device = this.#device(action.device);
      return `${device.name} ${this.#onDevice(device, action)}`;
    }
    if ('server' in action) {
      const server = this.#server(action.server);
      return `${server.name} ${this.#onServer(server, action)}`;
    }
    return action.do === 'evict' ? this.#evict() : this.#partition(action.dice, action.forMs);
  }

  #device(place: number): SimDevice {
    const { devices, script } = this.#world;
    return devices[place] ?? devices[place % script.shape.devices]!;
  }

  #server(place: number): SimServer {
    const { servers } = this.#world;
    return servers[place % servers.length]!;
  }

  #onDevice(device: SimDevice, action: Extract<Action, { device: number }>): string {
    const { counters, timeline } = this.#world;
    const { test } = device;
    switch (action.do) {
      case 'write':
      case 'decide': {
        const words = this.#transactions[action.do](device, action.tab, action.dice);
        // The hint that something was written may be lost: it is for speed only.
        if (action.isTold) test.dispatch({ type: 'local-write' });
        return `(tab ${action.tab}) ${words}`;
      }
      case 'cut':
        counters.count(action.isLate ? 'frames of an old link arrive late' : 'link cut');
        if (action.isLate) test.abandonLink();
        else test.cutLink();
        return action.isLate ? 'loses its link; what it has sent still arrives' : 'loses its link';
      case 'truncate':
        test.weather.truncate = { direction: action.direction, part: action.part };
        counters.count('frame truncated');
        return `loses its link in the middle of the next frame ${action.direction}`;
      case 'mood':
        return this.#mood(device, action.mood, action.forMs, action.isCut);
      case 'crash':
        counters.count('syncing context crashed');
        test.crashSync();
        timeline.after(action.backMs, () => {
          if (test.session === null) test.start();
        });
        return `loses its syncing tab, which comes back after ${inWords(action.backMs)}`;
      case 'restart':
        counters.count('browser restarted');
        test.restart();
        return 'is restarted';
      case 'move':
        return this.#move(device, action.server, action.isLate);
      case 'flee':
        return this.#flee(device, action);
      case 'hand-over':
        return this.#handOver(device, action);
      case 'back-up':
        device.backUp();
        return 'is backed up';
      case 'put-back':
        if (!device.putBack(action.backup)) return 'has no backup to put back';
        this.#world.excuseWhatNobodyHas();
        counters.count('profile put back');
        return 'is put back to its backup';
      case 'lose-tail':
        if (!device.loseTail()) return 'has no tail to lose';
        this.#world.excuseWhatNobodyHas();
        counters.count('tail lost');
        return 'loses what it wrote last with the power';
      case 'clone':
        return this.#clone(device);
      case 'skew':
        test.skewMs = action.ms;
        counters.count(DEVICE_CLOCK);
        return `has its clock wrong by ${inWords(action.ms)}`;
      case 'fill':
        device.isFull = true;
        timeline.after(action.forMs, () => (device.isFull = false));
        counters.count('disk full');
        return `has no space left for ${inWords(action.forMs)}`;
      case 'corrupt':
        return this.#corrupt(device, new Dice(action.dice));
      case 'start-over':
        return this.#startOver(device);
    }
  }

  #onServer(server: SimServer, action: Extract<Action, { server: number }> & { readonly device?: never }): string {
    const { counters, timeline } = this.#world;
    const { test } = server;
    if (server.isLost) return 'is lost for good';
    if (server.isRefilling) return 'is getting back what it lacked';
    switch (action.do) {
      case 'kill': {
        const dice = new Dice(action.dice);
        test.kill();
        for (let i = 1; i < action.times; i++) timeline.after(dice.fraction() * 2_000, () => test.kill());
        counters.count(action.times > 1 ? 'server killed often' : 'server killed');
        return action.times > 1 ? `is killed ${action.times} times in two seconds` : 'is killed';
      }
      case 'stop':
        if (test.isStopped) return 'is stopped already';
        this.#world.links.stop(server);
        timeline.after(action.forMs, () => this.#startAgain(server));
        counters.count('server down for a while');
        return `is down for ${inWords(action.forMs)}`;
      case 'skew-server':
        test.skewMs = action.ms;
        counters.count(SERVER_CLOCK);
        return `has its clock wrong by ${inWords(action.ms)}`;
      case 'back-up-server':
        server.backUp();
        return 'is backed up';
      case 'restore-server':
        return this.#restoreServer(server, action);
      case 'lose-server':
        return this.#loseServer(server);
    }
  }

  #startAgain(server: SimServer): void {
    if (!server.isLost && !server.isRefilling) this.#world.links.start(server);
  }

  #move(device: SimDevice, place: number, isLate: boolean): string {
    const alive = this.#world.servers.filter((server) => !server.isLost);
    const to = alive[place % alive.length]!;
    if (device.home === to) return `stays with ${to.name}`;
    device.moveTo(to, isLate);
    this.#world.counters.count('device moved to another server');
    return `moves to ${to.name}`;
  }

  #flee(device: SimDevice, { tab, dice, server, afterMs }: Extract<Action, { do: 'flee' }>): string {
    const words = this.#transactions.writeDisputed(device, tab, dice);
    device.test.dispatch({ type: 'local-write' });
    this.#world.timeline.after(afterMs, () => void this.#move(device, server, true));
    return `(tab ${tab}) ${words}, and goes to another server`;
  }

  /** The second write depends on the first only by the order of the outbox: not even the device's cursor says so. */
  #handOver(device: SimDevice, { tab, dice, server, afterMs }: Extract<Action, { do: 'hand-over' }>): string {
    const { timeline, counters } = this.#world;
    const { test } = device;
    const words = this.#transactions.write(device, tab, dice);
    test.dispatch({ type: 'local-write' });
    // By then the first is on its way.
    timeline.after(READ_MS, () => {
      test.weather.isUpSilent = true;
      void this.#transactions.write(device, 1 - tab, dice + 1);
    });
    timeline.after(READ_MS + afterMs, () => {
      test.weather.isUpSilent = false;
      void this.#move(device, server, true);
      test.dispatch({ type: 'local-write' });
    });
    counters.count('second tab at another server');
    return `(tab ${tab}) ${words}, writes in tab ${1 - tab} and goes to another server with that`;
  }

  #clone(device: SimDevice): string {
    const { devices, counters } = this.#world;
    if (devices.length >= MOST_DEVICES) return 'is one of too many to be copied';
    const name = `${device.name}'${devices.length}`;
    this.#world.addDevice({ name, app: device.app, home: device.home, from: device });
    counters.count('profile cloned');
    return `is copied: ${name} goes on beside it`;
  }

  /** [I13] Something in its database is altered that it did not write. */
  #corrupt(device: SimDevice, dice: Dice): string {
    const corruption = device.corrupted === null ? corruptRecord(device.disk, dice) : null;
    if (!corruption) return 'has nothing that could break';
    device.corrupted = corruption.id;
    this.#world.counters.count('record corrupted');
    return `has ${corruption.words} altered by its disk`;
  }

  #startOver(device: SimDevice): string {
    this.#world.counters.count('snapshot asked for');
    device.wantSnapshot();
    return 'wants everything anew';
  }

  /**
   * In a world of several servers there is one disaster at most: what every server has told that it knows is then still
   * with another one. Every device of a single server holds what it was sent.
   */
  #restoreServer(server: SimServer, { isCareless, away, awayMs }: RestoreServer): string {
    const world = this.#world;
    const isAlone = world.servers.length === 1;
    if (!server.hasBackup) return 'has no backup to be restored from';
    // What only a snapshot contains, because the log was cut, a device cannot tell a single server again.
    if (world.hadDisaster || world.script.shape.disagrees || (isAlone && !server.isBackedUpInLog)) return 'is well';
    world.hadDisaster = true;
    world.truth.mayDiffer = true;
    server.restore();
    world.excuseWhatNobodyHas();
    // Where its clock was wrong, what is offered again gets another stamp, which the chain hash does not tell.
    const keepsIdentity = isAlone && isCareless && !world.counters.all.has(SERVER_CLOCK);
    world.counters.count(keepsIdentity ? 'server restored with its old identity' : 'server restored');
    if (!isAlone) return this.#refill(server);
    if (keepsIdentity) {
      // The others make another history meanwhile, as long as the one that it knows.
      const device = this.#device(away);
      this.#mood(device, 'unreachable', awayMs, true);
      return `is restored from its backup, and nobody gives it a new identity; ${device.name} is away for ${inWords(awayMs)}`;
    }
    server.takeNewIdentity();
    return 'is restored from its backup under a new identity';
  }

  /** Others have more of its stream than its backup: it takes that from them before it speaks to anybody. */
  #refill(server: SimServer): string {
    this.#world.links.refill(server);
    return 'is restored from its backup and first takes from the others what it had told them';
  }

  #loseServer(server: SimServer): string {
    const world = this.#world;
    if (world.servers.length === 1 || world.hadDisaster || world.script.shape.disagrees) return 'is well';
    world.hadDisaster = true;
    world.truth.mayDiffer = true;
    world.links.lose(server);
    world.excuseWhatNobodyHas();
    world.counters.count('server lost');
    return 'is lost for good with its disk';
  }

  #evict(): string {
    const lost = this.#world.links.evictLost();
    if (!lost) return 'nobody writes off a server';
    this.#world.counters.count('server evicted');
    for (const device of this.#world.devices) if (device.home === lost.server) device.moveTo(lost.by);
    return `${lost.by.name} writes off ${lost.server.name}`;
  }

  #partition(seed: number, forMs: number): string {
    if (this.#world.servers.length === 1) return 'there are no links between servers to cut';
    const words = this.#world.links.partition(new Dice(seed), forMs);
    this.#world.counters.count('servers parted');
    return `${words} for ${inWords(forMs)}`;
  }

  #mood({ test }: SimDevice, mood: Mood, forMs: number, isCut: boolean): string {
    const { timeline, counters } = this.#world;
    const { weather } = test;
    const set = (is: boolean): void => {
      if (mood === 'unreachable') test.isUnreachable = is;
      if (mood === 'deaf') weather.isDownSilent = is;
      if (mood === 'mute') weather.isUpSilent = is;
      if (mood === 'stuttering') weather.isStuttering = is;
      if (mood === 'slow') weather.maxDelayMs = is ? 4_000 : 50;
    };
    set(true);
    timeline.after(forMs, () => set(false));
    counters.count(`${mood} for a while`);
    if (isCut) test.cutLink();
    return `is ${mood} for ${inWords(forMs)}${isCut ? ' and loses its link' : ''}`;
  }
}

export function inWords(ms: number): string {
  return Math.abs(ms) < 60_000 ? `${(ms / 1_000).toFixed(1)} s` : `${(ms / 60_000).toFixed(1)} min`;
}
