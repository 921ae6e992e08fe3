/** React: the hooks of the SDK's own entry. */
import { StrictMode, type ReactNode } from 'react';
import { createRoot } from 'react-dom/client';
import { useLive, useSyncStatus } from '@skerry/sdk/react';

import { container, db } from './database.ts';

function Notes(): ReactNode {
  const notes = useLive(db.notes, { orderBy: 'title' });
  const { connection } = useSyncStatus(db);
  return (
    <>
      <ul>
        {notes?.map(({ id, title }) => (
          <li key={id}>{title}</li>
        ))}
      </ul>
      <output>{connection}</output>
    </>
  );
}

createRoot(container).render(
  <StrictMode>
    <Notes />
  </StrictMode>,
);
