/** Runs the command `skerry-server`, for which `bin/skerry-server.js` has looked at the version of Node. */
import { argv, env } from 'node:process';

import { runCommand } from './command.ts';

await runCommand(argv.slice(2), env);
