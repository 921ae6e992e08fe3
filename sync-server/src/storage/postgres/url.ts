/** Addresses of databases, known without anything that opens them. */
export function isPostgresUrl(url: string): boolean {
  return /^postgres(?:ql)?:\/\//.test(url) && URL.canParse(url);
}

/** What stands before the host of an address is nobody's business, wherever it was put by mistake. */
export function withoutPassword(text: string): string {
  return text.replace(/\/\/.*@/, '//…@');
}
