/** What this person and this device are called in the versions that others see. */
import { useState, type FormEvent, type ReactNode } from 'react';

import { chooseNames, LONGEST_NAME } from '../data/chosen-names.ts';
import { useSession } from '../data/session.tsx';
import { SettingsSection } from './settings-section.tsx';

export function NamesSection(): ReactNode {
  const { me } = useSession();
  const [user, setUser] = useState(me.user.name);
  const [device, setDevice] = useState(me.device.name);
  const isChanged = user.trim() !== me.user.name || device.trim() !== me.device.name;

  // The names belong to an open database, so taking new ones is opening it again. Everything is saved by now.
  const save = (event: FormEvent): void => {
    event.preventDefault();
    chooseNames(localStorage, me.databaseName, { user, device });
    location.reload();
  };
  return (
    <SettingsSection
      title="Names"
      lead="They stand beside what you write from now on. What is written keeps its names."
    >
      <form className="settings-form" onSubmit={save}>
        <div className="field-pair">
          <label className="field">
            <span>You</span>
            <input
              className="input"
              data-testid="user-name"
              value={user}
              maxLength={LONGEST_NAME}
              autoComplete="name"
              onChange={(event) => setUser(event.target.value)}
            />
          </label>
          <label className="field">
            <span>This device</span>
            <input
              className="input"
              data-testid="device-name"
              value={device}
              maxLength={LONGEST_NAME}
              autoComplete="off"
              onChange={(event) => setDevice(event.target.value)}
            />
          </label>
        </div>
        <button type="submit" className="button primary" data-testid="save-names" disabled={!isChanged}>
          Save names
        </button>
      </form>
    </SettingsSection>
  );
}
