/** Who may do what: members of spaces, invitations, devices. What the texts say is the server's affair. */
export const sql = /* sql */ `
CREATE TABLE access (
  scope TEXT NOT NULL,
  key TEXT NOT NULL,
  text TEXT NOT NULL,
  -- Number of the change that set it.
  version INTEGER NOT NULL,
  PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX access_version ON access (version, scope, key);

-- The number of the latest change.
INSERT INTO meta (key, value) VALUES ('access', '0');
`;
