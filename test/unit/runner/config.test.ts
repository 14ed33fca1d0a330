import { describe, expect, it } from 'vitest';
import { RUNNER_CONFIG_ENV_NAME } from '../../../adapters/runner-ipc.ts';
import { readRunnerConfig } from '../../../gpu-runner/config.ts';

const SPEC = {
  streamId: 'cam-1',
  name: 'Camera 1',
  ingest: { protocol: 'srt-listener', port: 9001 },
};
const WHOLE = { spec: SPEC, liveEdge: { kind: 'ipc' }, store: { kind: 'disk', directory: '/data' } };
const VARIABLES = {
  MIRROR_RUNNER_SPEC: JSON.stringify(SPEC),
  MIRROR_REDIS_HOST: 'state.internal:6379',
  MIRROR_REDIS_TOKEN: 'to/ken',
  MIRROR_MEDIA_BUCKET: 'mirror-media--use1-az4--x-s3',
  AWS_REGION: 'us-east-1',
};

function read(config: object) {
  return readRunnerConfig({ [RUNNER_CONFIG_ENV_NAME]: JSON.stringify(config) });
}

describe('the configuration', () => {
  it('of a parent is one JSON text, with defaults filled in', () => {
    expect(read(WHOLE)).toEqual({
      spec: {
        ...SPEC,
        ingest: { protocol: 'srt-listener', host: '::', port: 9001, latencyMs: 120 },
        frameRate: 30,
        hardware: 'auto',
        record: false,
        signalLoss: 'last-picture',
      },
      liveEdge: { kind: 'ipc' },
      store: { kind: 'disk', directory: '/data' },
      logLevel: 'info',
    });
  });

  it('of a container is one variable each; the token goes into the URL, escaped, over TLS', () => {
    const config = readRunnerConfig({
      ...VARIABLES,
      MIRROR_PASSPHRASE: 'correct-horse-battery',
      MIRROR_HEALTH_PORT: '8081',
      MIRROR_HARDWARE: 'nvidia',
      MIRROR_RECORDINGS_BUCKET: 'mirror-recordings',
    });
    expect(config).toMatchObject({
      spec: { hardware: 'nvidia', ingest: { passphrase: 'correct-horse-battery' } },
      liveEdge: { kind: 'redis', url: 'rediss://:to%2Fken@state.internal:6379' },
      store: { kind: 's3', bucket: 'mirror-media--use1-az4--x-s3', region: 'us-east-1' },
      recordings: { kind: 's3', bucket: 'mirror-recordings', region: 'us-east-1' },
      healthPort: 8081,
    });
  });

  it('that is missing names every variable that is wanted', () => {
    const attempt = () => readRunnerConfig({});
    expect(attempt).toThrow(/MIRROR_RUNNER_SPEC[^]*MIRROR_REDIS_URL[^]*MIRROR_MEDIA_BUCKET/);
  });

  it('that is set but empty is told apart from one that is missing', () => {
    expect(() => readRunnerConfig({ ...VARIABLES, MIRROR_MEDIA_BUCKET: ' ' })).toThrow(
      'MIRROR_MEDIA_BUCKET is set but empty',
    );
  });

  it('with several mistakes names them all', () => {
    const attempt = () =>
      read({ ...WHOLE, spec: { ...SPEC, streamId: 'Cam 1', frameRate: 25 }, store: { kind: 'tape' } });
    expect(attempt).toThrow(/spec\.streamId[^]*spec\.frameRate[^]*store/);
  });

  it('that asks for a recording and says not where is refused', () => {
    expect(() => read({ ...WHOLE, spec: { ...SPEC, record: true } })).toThrow('recordings: is missing');
  });

  it.each([
    ['a JSON text that is cut short', { [RUNNER_CONFIG_ENV_NAME]: '{"spec":{"passphrase":"secret-secret' }],
    ['a passphrase that is too short', { ...VARIABLES, MIRROR_PASSPHRASE: 'secret-s' }],
  ])('is refused without a word of its secrets: %s', (_name, environment) => {
    let message = '';
    try {
      readRunnerConfig(environment);
    } catch (error) {
      message = String(error);
    }
    expect(message).toContain('configuration of the runner is wrong');
    expect(message).not.toContain('secret-s');
  });
});
