/** The database did not open: say why and what can be done, never show an empty app. */
import { SkerryError } from '@skerry/sdk';
import { HardDrive } from 'lucide-react';
import type { ReactNode } from 'react';

export function StartFailed(props: { readonly error: unknown }): ReactNode {
  const { error } = props;
  return (
    <div className="blank" role="alert">
      <HardDrive aria-hidden />
      <p>Your notes could not be opened in this browser. Nothing was changed.</p>
      <p className="detail">{error instanceof Error ? error.message : String(error)}</p>
      {error instanceof SkerryError && <p className="detail">{error.hint}</p>}
      <button type="button" className="button primary" onClick={() => location.reload()}>
        Try again
      </button>
    </div>
  );
}
