/** How much of what was replaced a device keeps. What is older, or more, goes, the oldest first. */
export const HISTORY_LIMITS = {
  /** Steps of one row. */
  stepsPerRow: 100,
  /** 90 days. */
  ageMs: 90 * 86_400_000,
  /** Of all rows together. */
  bytes: 16_777_216,
};

export type HistoryLimits = typeof HISTORY_LIMITS;
