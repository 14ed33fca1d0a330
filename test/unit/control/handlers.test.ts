import type { Context } from 'aws-lambda';
import { describe, expect, it, vi } from 'vitest';
import { handler as documentHandler } from '../../../lambdas/document/handler.ts';
import { readEnvironment, slotsOf } from '../../../lambdas/environment.ts';
import { handler as viewersHandler } from '../../../lambdas/viewers/handler.ts';
import { apiEvent } from './fixture.ts';

// The part of it that the functions read.
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const context = { functionName: 'mirror-document', awsRequestId: 'r1' } as Context;

const STREAMS = {
  MIRROR_ENVIRONMENT: 'test',
  MIRROR_SECRET_PREFIX: 'mirror/test/',
  MIRROR_REDIS_HOST: 'redis.internal',
  MIRROR_INGEST_HOST: '203.0.114.1',
  MIRROR_INGEST_FIRST_PORT: '9001',
  MIRROR_INGEST_SLOT_COUNT: '2',
  MIRROR_TARGET_GROUP_ARN_PREFIX: 'arn:aws:elasticloadbalancing:eu-west-1:123456789012:',
  MIRROR_TARGET_GROUPS: 'targetgroup/a/1,targetgroup/b/2',
  MIRROR_CLUSTER: 'c',
  MIRROR_RUNNER_TASK_DEFINITION: 't',
  MIRROR_RUNNER_CAPACITY_PROVIDER: 'p',
  MIRROR_RUNNER_SUBNETS: 'subnet-1',
  MIRROR_RUNNER_SECURITY_GROUPS: 'sg-1',
};

describe('the functions', () => {
  it('answer an event of API Gateway from end to end', async () => {
    vi.spyOn(console, 'log').mockImplementation(() => {});
    const event = apiEvent({ method: 'GET', rawPath: '/v1/openapi.json' });
    const result = await documentHandler(event, context);
    expect(result.statusCode).toBe(200);
    expect(JSON.parse(result.body ?? '')).toMatchObject({ openapi: '3.1.0' });
    expect(
      (await documentHandler(apiEvent({ method: 'GET', rawPath: '/v1/streams' }), context)).statusCode,
    ).toBe(404);
    vi.restoreAllMocks();
  });

  it('that are not configured say which variables are missing, all at once', async () => {
    const event = apiEvent({ method: 'GET', rawPath: '/v1/viewers' });
    await expect(viewersHandler(event, context)).rejects.toThrow(
      /MIRROR_ENVIRONMENT is missing; MIRROR_SECRET_PREFIX is missing.*MIRROR_SIGNING_KEY_SECRET is missing/,
    );
  });

  it('tell missing, empty and malformed variables apart, and quote no value', () => {
    const variables = {
      ...STREAMS,
      MIRROR_CLUSTER: '',
      MIRROR_INGEST_FIRST_PORT: 'planted',
      MIRROR_ENVIRONMENT: undefined,
    };
    expect(() => readEnvironment('streams', variables)).toThrow(
      /MIRROR_ENVIRONMENT is missing; MIRROR_INGEST_FIRST_PORT must be a whole number; MIRROR_CLUSTER is empty/,
    );
    expect(() => readEnvironment('streams', variables)).not.toThrow('planted');
  });

  it('know their slots, with the target group of each', () => {
    expect(slotsOf(readEnvironment('streams', STREAMS))).toEqual([
      {
        publicHost: '203.0.114.1',
        port: 9001,
        targetGroupArn: 'arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/a/1',
      },
      {
        publicHost: '203.0.114.1',
        port: 9002,
        targetGroupArn: 'arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/b/2',
      },
    ]);
    const uneven = readEnvironment('streams', { ...STREAMS, MIRROR_INGEST_SLOT_COUNT: '3' });
    expect(() => slotsOf(uneven)).toThrow('3 slots and 2 target groups');
  });
});
