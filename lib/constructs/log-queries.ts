import type { ILogGroup } from 'aws-cdk-lib/aws-logs';

export interface LogGroups {
  readonly runner: ILogGroup;
  readonly origin: ILogGroup;
  readonly exports: ILogGroup;
  readonly reconciler: ILogGroup;
  readonly functions: readonly ILogGroup[];
}

export interface LogQuery {
  readonly groups: readonly ILogGroup[];
  /** After `fields @timestamp, @message`. */
  readonly lines: string;
}

/**
 * A query for each usual question, named as the question. Their events are held to the code by a test.
 * What happened is the field `event` in containers and `message` in functions (lambdas/observability.ts).
 */
export function logQueries(groups: LogGroups): Readonly<Record<string, LogQuery>> {
  return {
    'what-happened-to-a-stream': {
      groups: [groups.runner, ...groups.functions],
      lines: "filter streamId = 'STREAM_ID' | sort @timestamp desc | limit 200",
    },
    'why-senders-were-refused': {
      groups: [groups.runner],
      lines: 'filter event like /refused|rejected/ | stats count(*) by streamId, reason',
    },
    'runners-that-restarted': {
      groups: [groups.runner],
      lines: "filter event = 'runner-started' | stats count(*) as starts by streamId | filter starts > 1",
    },
    'why-a-feed-was-interrupted': {
      groups: [groups.runner],
      lines:
        "filter event = 'state' and state in ['waiting', 'interrupted', 'failed'] | stats count(*) by streamId, state, reason",
    },
    'parts-that-the-store-refused': {
      groups: [groups.runner],
      lines:
        "filter event in ['store-failed', 'part-dropped', 'announcement-failed'] | stats count(*) by streamId, reason",
    },
    'recordings-that-lost-something': {
      groups: [groups.runner],
      lines: 'filter event like /^recording-.*(lost|failed|not-)/ | sort @timestamp desc | limit 100',
    },
    'exports-that-failed': {
      groups: [groups.exports],
      lines: 'filter @message like /EXPORT_|STORE_|rror/ | sort @timestamp desc | limit 100',
    },
    'what-the-reconciler-healed': {
      groups: [groups.reconciler],
      lines:
        "filter message in ['record-restored', 'orphan-stopped', 'runner-gone', 'operation-died'] | sort @timestamp desc | limit 100",
    },
    'calls-that-were-refused': {
      groups: groups.functions,
      lines: "filter message = 'request-refused' | stats count(*) by status, code, method",
    },
    'origin-failures': {
      groups: [groups.origin],
      lines: "filter level = 'error' | sort @timestamp desc | limit 100",
    },
    'slow-api-calls': {
      groups: groups.functions,
      lines:
        "filter type = 'platform.report' | stats max(record.metrics.durationMs), avg(record.metrics.durationMs), count(*) by @log",
    },
  };
}
