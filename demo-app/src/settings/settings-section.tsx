/** One thing to set: its name, a sentence about it, and what there is to do. */
import { useId, type ReactNode } from 'react';

interface SettingsSectionProps {
  readonly title: string;
  readonly lead?: string;
  readonly children: ReactNode;
}

export function SettingsSection({ title, lead, children }: SettingsSectionProps): ReactNode {
  const id = useId();
  return (
    <section className="settings-section" aria-labelledby={id} data-testid={`settings-${title.toLowerCase()}`}>
      <div className="settings-head">
        <h2 id={id}>{title}</h2>
        {lead && <p className="detail">{lead}</p>}
      </div>
      <div className="settings-body">{children}</div>
    </section>
  );
}
