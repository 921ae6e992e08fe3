/**
 * The pure part, for servers, tools and the simulation: no clock, randomness, DOM, Node or promise in it. Everything
 * of that kind is an argument.
 */
export * from './lib/assert.ts';
export * from './lib/base64url.ts';
export * from './lib/errors.ts';
export * from './lib/hash.ts';
export * from './lib/ids.ts';
export * from './lib/json.ts';
export * from './lib/random.ts';
export * from './lib/utf8.ts';

export * from './core/admission.ts';
export * from './core/apply.ts';
export * from './core/change.ts';
export * from './core/clock.ts';
export * from './core/commit.ts';
export * from './core/conflict.ts';
export * from './core/constraint.ts';
export * from './core/control.ts';
export * from './core/digest.ts';
export * from './core/dot.ts';
export * from './core/paths.ts';
export * from './core/raise-stamp.ts';
export * from './core/record-json.ts';
export * from './core/policy-problem.ts';
export * from './core/record.ts';
export * from './core/record-write.ts';
export * from './core/schema.ts';
export * from './core/tombstone.ts';
export * from './core/tail-limits.ts';
export * from './core/topology.ts';
export * from './core/version-vector.ts';
export * from './core/view.ts';

export * from './policies/ask.ts';
export * from './policies/counter.ts';
export * from './policies/extremum.ts';
export * from './policies/fww.ts';
export * from './policies/hot.ts';
export * from './policies/local.ts';
export * from './policies/lww.ts';
export * from './policies/map.ts';
export * from './policies/merge.ts';
export * from './policies/policy.ts';
export * from './policies/registry.ts';
export * from './policies/set.ts';
export * from './policies/text.ts';

export * from './constraints/acyclic.ts';
export * from './constraints/ask.ts';
export * from './constraints/claim.ts';
export * from './constraints/claim-index.ts';
export * from './constraints/claim-states.ts';
export * from './constraints/constraint.ts';
export * from './constraints/from-scratch.ts';
export * from './constraints/maintain.ts';
export * from './constraints/no-overlap.ts';
export * from './constraints/references.ts';
export * from './constraints/registry.ts';
export * from './constraints/unique.ts';
export * from './constraints/waiver.ts';

export { CHANGE, MAX_LABEL_LENGTH } from './protocol/change-schema.ts';
export * from './protocol/check-change.ts';
export * from './protocol/codec.ts';
export * from './protocol/frame-text.ts';
export * from './protocol/http-binding.ts';
export * from './protocol/deflated.ts';
export * from './protocol/limits.ts';
export * from './protocol/messages.ts';
export * from './protocol/schema.ts';
export * from './protocol/shape.ts';
export * from './protocol/versions.ts';

export * from './session/server-events.ts';
export * from './session/server-session.ts';

export * from './space/append.ts';
export * from './space/decide-pull.ts';
export * from './space/decide-push.ts';
export * from './space/excess.ts';
export * from './space/handshake.ts';
export * from './space/recent.ts';
export * from './space/retention.ts';
export * from './space/settle.ts';
export * from './space/snapshot.ts';
export * from './space/space.ts';
export * from './space/take-over.ts';
