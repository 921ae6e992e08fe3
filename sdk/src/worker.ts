/** The entry of the worker that syncs. Importing it anywhere else does nothing useful. */
import { expose } from 'comlink';

import { createBrowserHost } from './worker/browser-host.ts';

expose(createBrowserHost());
