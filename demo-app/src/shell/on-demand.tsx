/**
 * A part of the app whose code is fetched apart from the rest. Installed apps have it on this device; where it cannot be fetched the
 * rest of the app goes on.
 */
import { CloudOff } from 'lucide-react';
import { Component, Suspense, type ReactNode } from 'react';

interface OnDemandProps {
  readonly children: ReactNode;
}

export class OnDemand extends Component<OnDemandProps, { readonly error: unknown }> {
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
      <p>This could not be loaded. Your notes are not affected.</p>
      <button type="button" className="button" onClick={() => location.reload()}>
        Try again
      </button>
    </div>
  );
}
