/** Whether an address or host name is this machine talking to itself. */
export function isLoopback(host: string): boolean {
  const address = host.replace(/^::ffff:/i, '').replace(/^\[(.*)\]$/, '$1');
  return address === 'localhost' || address === '::1' || /^127(?:\.\d{1,3}){3}$/.test(address);
}
