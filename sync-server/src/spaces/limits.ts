/** How much one user, or one space, may make the server remember. */
export const SPACES_LIMITS = {
  membersPerSpace: 1_000,
  spacesPerUser: 1_000,
  invitationsPerSpace: 100,
  /** Of those that were seen within 30 days; others make room. */
  devicesPerUser: 100,
  revokedPerUser: 1_000,
  usesPerInvitation: 1_000,
  invitationMs: 90 * 86_400_000,
  nameLength: 200,
} as const;
