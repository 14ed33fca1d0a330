/**
 * Logger, metrics and tracer of one function. What is logged and traced is what our own log takes: events and
 * answers are never recorded whole, because they hold tickets, tokens and passphrases.
 */
import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { Tracer } from '@aws-lambda-powertools/tracer';
import type { Context } from 'aws-lambda';
import type { Log, LogFields } from '../domain/log.ts';

export interface Observability {
  readonly log: Log;
  readonly tracer: Tracer;
  /** Counts one thing, with a name in PascalCase as CloudWatch shows it. */
  count(name: string, value?: number): void;
  timeMs(name: string, durationMs: number): void;
  /** Runs one invocation inside its segment, and flushes its metrics. */
  invocation<Result>(context: Context, work: () => Promise<Result>): Promise<Result>;
}

export function createObservability(): Observability {
  // Names come from POWERTOOLS_SERVICE_NAME and POWERTOOLS_METRICS_NAMESPACE.
  const logger = new Logger();
  const metrics = new Metrics();
  const tracer = new Tracer({ captureHTTPsRequests: false });
  return {
    log: new PowertoolsLog(logger),
    tracer,
    count: (name, value = 1) => metrics.addMetric(name, MetricUnit.Count, value),
    timeMs: (name, durationMs) => metrics.addMetric(name, MetricUnit.Milliseconds, durationMs),
    async invocation(context, work) {
      logger.addContext(context);
      const segment = tracer.isTracingEnabled() ? tracer.getSegment() : undefined;
      const subsegment = segment?.addNewSubsegment(`## ${context.functionName}`);
      if (subsegment) tracer.setSegment(subsegment);
      tracer.annotateColdStart();
      tracer.addServiceNameAnnotation();
      metrics.captureColdStartMetric();
      try {
        return await work();
      } finally {
        if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics();
        if (segment && subsegment) {
          subsegment.close();
          tracer.setSegment(segment);
        }
      }
    },
  };
}

class PowertoolsLog implements Log {
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  debug(event: string, fields: LogFields = {}): void {
    this.#logger.debug(event, { ...fields });
  }
  info(event: string, fields: LogFields = {}): void {
    this.#logger.info(event, { ...fields });
  }
  warn(event: string, fields: LogFields = {}): void {
    this.#logger.warn(event, { ...fields });
  }
  error(event: string, fields: LogFields = {}): void {
    this.#logger.error(event, { ...fields });
  }
  child(fields: LogFields): Log {
    return new PowertoolsLog(this.#logger.createChild({ persistentKeys: { ...fields } }));
  }
}
