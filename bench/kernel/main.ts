/**
 * `npm run bench -- kernel`: what the kernel costs in time, memory and bytes. Every input is fixed, every answer is checked, and
 * every number stands beside a baseline of the same run. Medians.
 */
import { benchApply } from './apply.ts';
import { benchCodec } from './codec.ts';
import { benchMemory } from './memory.ts';
import { benchConstraints } from './constraints.ts';
import { benchPages } from './pages.ts';
import { benchWire } from './wire.ts';

benchApply();
benchPages();
benchCodec();
benchWire();
benchMemory();
benchConstraints();
