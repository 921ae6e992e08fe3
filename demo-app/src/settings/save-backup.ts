/** Makes a backup and hands it to the person. */
import type { DemoDb } from '../data/schema.ts';
import { makeBackup } from './backup.ts';
import { fileName, saveFile } from './save-file.ts';

export async function saveBackup(db: DemoDb): Promise<void> {
  const now = new Date();
  saveFile(await makeBackup(db, now), fileName('backup', now));
}
