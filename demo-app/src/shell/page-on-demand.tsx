/**
 * A page whose code is fetched when someone goes there. Installed apps have it on this device; where it cannot be fetched the
 * rest of the app goes on.
 */
import { CloudOff } from 'lucide-react';
import { Component, Suspense, type ReactNode } from 'react';

interface PageOnDemandProps {
  readonly children: ReactNode;
}

export class PageOnDemand extends Component<PageOnDemandProps, { readonly error: unknown }> {
  override state = { error: null };

  static getDerivedStateFromError(error: unknown): { readonly error: unknown } {
    return { error };
  }

  override render(): ReactNode {
    if (this.state.error !== null) return <NotLoaded />;
    return <Suspense fallback={null}>{this.props.children}</Suspense>;
  }
}

function NotLoaded(): ReactNode {
  return (
    <div className="blank" role="alert">
      <CloudOff aria-hidden />
      <p>This page could not be loaded. Your notes are not affected.</p>
      <button type="button" className="button" onClick={() => location.reload()}>
        Try again
      </button>
    </div>
  );
}
