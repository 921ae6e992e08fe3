/**
 * The index in memory: for the simulation, for a server, and for computing everything anew. It answers what
 * IndexedDB answers, by the same order, and can be copied as a disk can.
 */
import type { OpenConstraintConflict } from '../core/constraint.ts';
import { memberKey, type Answers, type Ask, type Component, type IndexWrites, type Lookup } from './ask.ts';
import type { Claim } from './claim.ts';
import { SortedClaims } from './sorted-claims.ts';

export class ClaimIndex {
  readonly claims = new Map<string, Claim>();
  readonly components = new Map<string, Component>();
  readonly conflicts = new Map<string, OpenConstraintConflict>();
  readonly #componentsOf = new Map<string, Set<string>>();
  /** By constraint and bucket, then by width. */
  readonly #places = new Map<string, Map<number, SortedClaims>>();

  copy(): ClaimIndex {
    const copy = new ClaimIndex();
    copy.write({
      claims: [...this.claims.values()],
      droppedClaims: [],
      components: [...this.components.values()],
      droppedComponents: [],
      conflicts: [...this.conflicts.values()],
      closedConflicts: [],
    });
    return copy;
  }

  /** Runs what asks, to its end. */
  run<R>(lookup: Lookup<R>): R {
    let step = lookup.next();
    while (!step.done) {
      if (step.value.type === 'write') this.write(step.value.writes);
      step = lookup.next(step.value.type === 'read' ? this.answer(step.value.asks) : []);
    }
    return step.value;
  }

  answer(asks: readonly Ask[]): Answers {
    return asks.map((ask) => this.#answer(ask));
  }

  #answer(ask: Ask): readonly (Claim | Component)[] {
    switch (ask.of) {
      case 'claim':
        return listOf(this.claims.get(memberKey(ask.name, ask.id)));
      case 'component':
        return listOf(this.components.get(ask.id));
      case 'components':
        return [...(this.#componentsOf.get(ask.member) ?? [])].map((id) => this.components.get(id)!);
      case 'wider': {
        const widths = [...(this.#places.get(memberKey(ask.name, ask.bucket))?.keys() ?? [])];
        const [next] = widths.filter((width) => width > ask.width).sort((a, b) => a - b);
        return next === undefined ? [] : listOf(this.#widthOf(ask.name, ask.bucket, next)?.first);
      }
      case 'range':
        return this.#widthOf(ask.name, ask.bucket, ask.width)?.between(ask.lower, ask.upper) ?? [];
    }
  }

  write(writes: IndexWrites): void {
    for (const claim of writes.claims) this.#put(claim);
    for (const [name, id] of writes.droppedClaims) this.#drop(memberKey(name, id));
    for (const id of writes.droppedComponents) this.#dropComponent(id);
    for (const component of writes.components) this.#putComponent(component);
    for (const id of writes.closedConflicts) this.conflicts.delete(id);
    for (const conflict of writes.conflicts) this.conflicts.set(conflict.id, conflict);
  }

  #put(claim: Claim): void {
    const key = memberKey(claim.name, claim.id);
    this.#drop(key);
    this.claims.set(key, claim);
    const place = memberKey(claim.name, claim.bucket);
    const widths = this.#places.get(place) ?? new Map<number, SortedClaims>();
    this.#places.set(place, widths);
    const claims = widths.get(claim.width) ?? new SortedClaims();
    widths.set(claim.width, claims);
    claims.add(claim);
  }

  #drop(key: string): void {
    const claim = this.claims.get(key);
    if (!claim) return;
    this.claims.delete(key);
    const widths = this.#places.get(memberKey(claim.name, claim.bucket))!;
    const claims = widths.get(claim.width)!;
    claims.remove(claim);
    if (claims.isEmpty) widths.delete(claim.width);
    if (widths.size === 0) this.#places.delete(memberKey(claim.name, claim.bucket));
  }

  #widthOf(name: string, bucket: string, width: number): SortedClaims | undefined {
    return this.#places.get(memberKey(name, bucket))?.get(width);
  }

  #putComponent(component: Component): void {
    this.#dropComponent(component.id);
    this.components.set(component.id, component);
    for (const member of component.members) {
      const ids = this.#componentsOf.get(member) ?? new Set<string>();
      this.#componentsOf.set(member, ids.add(component.id));
    }
  }

  #dropComponent(id: string): void {
    for (const member of this.components.get(id)?.members ?? []) {
      const ids = this.#componentsOf.get(member)!;
      ids.delete(id);
      if (ids.size === 0) this.#componentsOf.delete(member);
    }
    this.components.delete(id);
  }
}

function listOf<T>(value: T | undefined): readonly T[] {
  return value === undefined ? [] : [value];
}
