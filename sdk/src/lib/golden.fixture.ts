/**
 * Golden files: what a released version has written, checked in, one folder per version. Today's code must read all of them,
 * and write the newest ones to the letter. `UPDATE_GOLDEN=1` writes the newest folder anew, which is right only as long as
 * its version is not released.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect } from 'vitest';

export const isUpdating = process.env['UPDATE_GOLDEN'] === '1';

/** The golden files of a version, by name. */
export function readGolden(folder: URL, version: number): ReadonlyMap<string, string> {
  const at = versionFolder(folder, version);
  if (!existsSync(at)) return new Map();
  return new Map(readdirSync(at).map((name) => [name, readFileSync(new URL(name, at), 'utf8')]));
}

/** The versions that have a folder, oldest first. */
export function goldenVersions(folder: URL): readonly number[] {
  return readdirSync(folder)
    .flatMap((name) => (/^v[1-9]\d*$/.test(name) ? [Number(name.slice(1))] : []))
    .sort((a, b) => a - b);
}

/** Today's code writes this file of `version` to the letter. `raise` says what a new version begins with. */
export function expectGolden(folder: URL, version: number, name: string, text: string, raise: string): void {
  const at = versionFolder(folder, version);
  if (isUpdating) {
    mkdirSync(at, { recursive: true });
    writeFileSync(new URL(name, at), text);
  }
  const path = new URL(name, at).pathname;
  const written = existsSync(path) ? readFileSync(path, 'utf8') : null;
  expect(
    text,
    `${path} is not what today's code writes. Is version ${version} released? Then ${raise}, and the new folder is made by ` +
      `UPDATE_GOLDEN=1 npx vitest run golden; the old one stays as it is. If it is not released: the same command alone.`,
  ).toBe(written);
}

function versionFolder(folder: URL, version: number): URL {
  return new URL(`v${version}/`, folder);
}
