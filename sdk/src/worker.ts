/** The entry of the worker that syncs. Importing it anywhere else does nothing useful. */
import { expose } from 'comlink';

import { createBrowserHost } from './worker/browser-host.ts';
import { definedMerges } from './worker/merges.ts';

export { defineMerges } from './worker/merges.ts';

expose(createBrowserHost(definedMerges));
