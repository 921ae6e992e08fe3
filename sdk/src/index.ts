/// <reference lib="esnext.disposable" preserve="true" />
/** The entry of the SDK for pages. Importing it does nothing. */
export { open } from './client/open.ts';
export { collection } from './client/definition.ts';
export { acyclic, noOverlap, references, unique } from './constraints/declare.ts';
export { ask } from './policies/ask.ts';
export { counter } from './policies/counter.ts';
export { fww } from './policies/fww.ts';
export { hot } from './policies/hot.ts';
export { local } from './policies/local.ts';
export { lww } from './policies/lww.ts';
export { map } from './policies/map.ts';
export { max, min } from './policies/extremum.ts';
export { ASK, merge } from './policies/merge.ts';
export type { MergeFunction, MergeInput, MergePolicy } from './policies/merge.ts';
export { set } from './policies/set.ts';
export { text } from './policies/text.ts';
export type { TextOptions } from './policies/text.ts';
export { ERROR_CODES, SkerryError } from './lib/errors.ts';
export type { Constraint } from './constraints/constraint.ts';
export type { Policy } from './policies/policy.ts';
export type * from './client/types.ts';
