/**
 * Loaded before the simulation: exchanges one piece of one source file while it is imported. No line of the product knows
 * of it. Throws when the piece is not there exactly once: a mutant that mutates nothing proves nothing.
 */
import { registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';
import { resolve } from 'node:path';

import { mutated, MUTANTS } from './mutants.ts';

const name = process.env['SKERRY_MUTANT'];
const mutant = MUTANTS.find((candidate) => candidate.name === name);
if (!mutant) throw new Error(`there is no mutant ${String(name)}`);

const target = pathToFileURL(resolve(import.meta.dirname, '../../..', mutant.file)).href;

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (url !== target) return loaded;
    const { source } = loaded;
    const text = typeof source === 'string' ? source : new TextDecoder().decode(source as Uint8Array);
    return { ...loaded, source: mutated(mutant, text) };
  },
});
