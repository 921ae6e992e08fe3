/** Whether a name is one that every storage can keep and find again. */
export function isPlain(name: string): boolean {
  return name.isWellFormed() && !name.includes('\0');
}
