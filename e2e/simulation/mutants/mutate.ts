/**
 * Loaded before the simulation: exchanges a piece of a source file while it is imported. No line of the product knows
 * of it. Throws when the piece is not there exactly once: a mutant that mutates nothing proves nothing.
 */
import { registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';
import { resolve } from 'node:path';

import { editsOf, mutated, MUTANTS } from './mutants.ts';

const name = process.env['SKERRY_MUTANT'];
const mutant = MUTANTS.find((candidate) => candidate.name === name);
if (!mutant) throw new Error(`there is no mutant ${String(name)}`);

const edits = editsOf(mutant).map(
  (edit) => [pathToFileURL(resolve(import.meta.dirname, '../../..', edit.file)).href, edit] as const,
);

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    const here = edits.flatMap(([target, edit]) => (target === url ? [edit] : []));
    if (here.length === 0) return loaded;
    const { source } = loaded;
    const text = typeof source === 'string' ? source : new TextDecoder().decode(source as Uint8Array);
    return { ...loaded, source: here.reduce((changed, edit) => mutated(mutant.name, edit, changed), text) };
  },
});
