/** The version vectors: how many changes of each device every other one and the server know. */
import type { ReactNode } from 'react';

import type { Character } from '../cast.ts';
import { knownBy, logAppliedBy, type Recording } from './recording.ts';

interface KnowledgeTableProps {
  readonly recording: Recording;
  readonly devices: readonly Character[];
}

export function KnowledgeTable({ recording, devices }: KnowledgeTableProps): ReactNode {
  const writers = devices.map(({ id }) => id);
  const made = writers.map((writer) => recording.changes.filter(({ device }) => device === writer).length);
  const rows = [
    ...devices.map(({ id, device }) => ({ id: id as string, name: device })),
    { id: 'server', name: 'Server' },
  ];
  return (
    <div className="knowledge">
      <table data-testid="vectors">
        <caption>
          Version vectors <span className="detail">how many changes of each device the others know</span>
        </caption>
        <thead>
          <tr>
            <th scope="col">Known to</th>
            {devices.map(({ id, name, device }) => (
              <th key={id} scope="col" data-device={id} title={device}>
                {devices.filter((one) => one.name === name).length > 1 ? device : name}
              </th>
            ))}
            <th scope="col">Log</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ id, name }) => (
            <tr key={id}>
              <th scope="row">{name}</th>
              {knownBy(recording, id, writers).map((known, column) => (
                <td key={writers[column]} data-behind={known < made[column]! || undefined}>
                  {known}
                  {known < made[column]! && <span className="knowledge-lack"> of {made[column]}</span>}
                </td>
              ))}
              <td>{logAppliedBy(recording, id)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p className="detail">
        Who writes has seen what its own row says at that moment; nobody’s clock is asked. <em>Log</em> is how far the
        server’s log has been applied: what the SDK keeps.
      </p>
    </div>
  );
}
