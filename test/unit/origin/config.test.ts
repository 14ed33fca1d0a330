import { describe, expect, it } from 'vitest';
import { readOriginConfig } from '../../../origin/config.ts';
import { collectMetrics, embeddedMetricsLine, newCounters } from '../../../origin/metrics.ts';

const SOUND = { MIRROR_REDIS_URL: 'redis://localhost:6379', MIRROR_DATA_DIRECTORY: '/data' };

describe('the configuration of an origin process', () => {
  it('needs a Redis and a media store, and has defaults for the rest', () => {
    expect(readOriginConfig(SOUND)).toEqual({
      port: 8080,
      host: '::',
      redisUrl: 'redis://localhost:6379',
      store: { kind: 'disk', directory: '/data' },
      keepAliveMs: 120_000,
      heldRequestCount: 20_000,
      logLevel: 'info',
      environmentName: 'local',
    });
  });

  it('on AWS: host, token and bucket', () => {
    const config = readOriginConfig({
      MIRROR_REDIS_HOST: 'cache.internal',
      MIRROR_REDIS_TOKEN: 'a/b c',
      MIRROR_MEDIA_BUCKET: 'media--use1-az4--x-s3',
      AWS_REGION: 'us-east-1',
      MIRROR_PORT: '9000',
      MIRROR_KEEP_ALIVE_SECONDS: '130',
    });
    expect(config).toMatchObject({
      port: 9000,
      redisUrl: 'rediss://:a%2Fb%20c@cache.internal',
      store: { kind: 's3', bucket: 'media--use1-az4--x-s3', region: 'us-east-1' },
      keepAliveMs: 130_000,
    });
  });

  it('missing, empty and malformed are told apart, together, and without values', () => {
    const read = () =>
      readOriginConfig({
        MIRROR_PORT: '80a',
        MIRROR_REDIS_URL: 'http://user:hush@cache',
        MIRROR_REDIS_TOKEN: '  ',
        MIRROR_LOG_LEVEL: 'loud',
      });
    expect(read).toThrow(/MIRROR_PORT must be a whole number/);
    expect(read).toThrow(/MIRROR_REDIS_URL must be redis:/);
    expect(read).toThrow(/MIRROR_REDIS_TOKEN is set but empty/);
    expect(read).toThrow(/MIRROR_LOG_LEVEL/);
    expect(read).not.toThrow(/hush/);
    expect(() => readOriginConfig({})).toThrow(
      /MIRROR_REDIS_URL is missing, and so is MIRROR_REDIS_HOST\n- MIRROR_MEDIA_BUCKET is missing/,
    );
  });
});

describe('metrics for CloudWatch', () => {
  it('counters are what was added, gauges are what is', () => {
    const metricsOf = (requestCount: number, waitingCount: number) =>
      collectMetrics({
        counters: { ...newCounters(), requestCount },
        store: { readCount: 0, absentCount: 0, failureCount: 0 },
        streams: [],
        waitingCount,
        nowMs: 0,
        viewerReports: { reportCount: 0, refusedCount: 0 },
      });
    const line: unknown = JSON.parse(
      embeddedMetricsLine(metricsOf(150, 7), metricsOf(100, 9), { nowMs: 1_000.4, environmentName: 'prod' }),
    );
    expect(line).toMatchObject({
      requestCount: 50,
      waitingCount: 7,
      _aws: {
        Timestamp: 1000,
        CloudWatchMetrics: [
          {
            Namespace: 'mirror/origin',
            Metrics: expect.arrayContaining([
              { Name: 'requestCount', Unit: 'Count' },
              { Name: 'windowByteCount', Unit: 'Bytes' },
              { Name: 'worstEdgeDelayMs', Unit: 'Milliseconds' },
            ]),
          },
        ],
      },
    });
  });
});
