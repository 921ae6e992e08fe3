/** Hands a file to the person, as a download. */
export function saveFile(file: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  // The browser has taken it by then.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** skerry-backup-2026-11-20.json */
export function fileName(what: string, now: Date): string {
  return `skerry-${what}-${now.toISOString().slice(0, 10)}.json`;
}
