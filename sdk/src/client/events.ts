/** Every replication step as an event for timelines and logs. */
import type { PolicyProblem } from '../core/policy-problem.ts';
import { SkerryError } from '../lib/errors.ts';
import type { LocalWrite } from '../store/local-database.ts';
import type { SyncNews } from '../worker/link.ts';
import type { SyncEvent } from './types.ts';

/** One per change, and one per conflict that it opened or closed. A bulk write outside a transaction can be several changes, and its records are told with the first. */
export function eventsOfWrite(
  { dots, records, conflictsChanged, saw }: Pick<LocalWrite, 'dots' | 'records' | 'conflictsChanged' | 'saw'>,
  nowMs: number,
): SyncEvent[] {
  const at = new Date(nowMs);
  const writes = dots.map((dot, i) => ({ type: 'local-write', at, dot, records: i === 0 ? records : 0, saw }) as const);
  return [...writes, ...conflictsChanged.map((move) => ({ ...move, at }))];
}

type ProblemNews = Extract<SyncNews, { type: PolicyProblem['type'] }>;

/** What a policy has to say is told otherwise: the contexts of a device may all say it. */
export function isProblem(news: SyncNews): news is ProblemNews {
  return news.type === 'policy-failed' || news.type === 'policy-slow' || news.type === 'many-siblings';
}

export function eventOfNews(news: Exclude<SyncNews, ProblemNews>): SyncEvent {
  const at = new Date(news.at);
  switch (news.type) {
    case 'connection': {
      const { type, connection, reason } = news;
      return reason ? { type, at, connection, reason: errorOf(reason) } : { type, at, connection };
    }
    case 'refused':
    case 'rejected':
      return { ...news, at, error: errorOf(news.error) };
    case 'pushed':
      return { type: 'pushed', at, changes: news.changes };
    case 'accepted':
    case 'pulled':
    case 'applied':
    case 'recovered':
    case 'restamped':
    case 'merged':
    case 'conflict-opened':
    case 'conflict-closed':
    case 'leader':
    case 'transport':
    case 'diverged':
    case 'repaired':
      return { ...news, at };
  }
}

function errorOf({ code, message }: Pick<SkerryError, 'code' | 'message'>): SkerryError {
  return new SkerryError(code, message);
}
