/** Where everybody stands: for looking at a failure. */
import type { World } from './world.ts';

export function describe({ devices, servers, links }: World): string {
  const lines = devices.map(({ name, home, disk, test: { session } }) => {
    const link = session?.link;
    return [
      `${name} at ${home.name}: ${session?.phase ?? 'crashed'}`,
      `${disk.outbox.size} in its outbox`,
      `cursor ${JSON.stringify(disk.replica.cursor)}`,
      `pushing ${link?.pushing.type ?? '-'}`,
      session?.trouble ? `trouble ${session.trouble.reason.code} ${session.trouble.reason.message}` : '',
      session?.stall ? `stalled ${session.stall.code} ${session.stall.message}` : '',
      link?.held ? `held ${link.held.code} ${link.held.message}` : '',
    ]
      .filter((part) => part !== '')
      .join(', ');
  });
  const logs = servers.map(
    ({ name, isLost, test }) =>
      `${name}${isLost ? ' (lost)' : ''}: cursor ${JSON.stringify(test.cursor)}, ${JSON.stringify(test.space.meta.topology)}`,
  );
  return [...lines, ...logs, ...links.describe()].join('\n');
}
