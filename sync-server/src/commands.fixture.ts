/** The commands of a test, and a folder for their data: what still runs at its end is killed, and nothing is left behind. */
import { afterEach, beforeEach } from 'vitest';

import { runCommand, temporaryFolder, type Command } from './server.fixture.ts';

export interface Commands {
  /** The folder. */
  readonly path: string;
  start(...call: Parameters<typeof runCommand>): Command;
}

/** Of every test of the file that calls it. */
export function useCommands(): Commands {
  let folder: ReturnType<typeof temporaryFolder>;
  const started: Command[] = [];
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(async () => {
    for (const { child, ended } of started.splice(0)) {
      child.kill('SIGKILL');
      await ended;
    }
    folder.remove();
  });
  return {
    get path() {
      return folder.path;
    },
    start(...call) {
      const command = runCommand(...call);
      started.push(command);
      return command;
    },
  };
}
