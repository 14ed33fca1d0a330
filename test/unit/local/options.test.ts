import { describe, expect, it } from 'vitest';
import { parseOptions } from '../../../local/options.ts';

describe('options of npm start', () => {
  it('none given, all have their defaults', () => {
    expect(parseOptions([])).toEqual({
      kind: 'start',
      options: {
        port: 8080,
        feedCount: undefined,
        dataDir: '.data',
        hardware: 'auto',
        tls: undefined,
        newToken: false,
      },
    });
  });

  it('all given, all are taken', () => {
    expect(
      parseOptions([
        '--port',
        '9090',
        '--feeds',
        '3',
        '--data-dir',
        '/tmp/x',
        '--hardware',
        'cpu',
        '--tls',
        '--cert',
        'c',
        '--key',
        'k',
        '--new-token',
      ]),
    ).toEqual({
      kind: 'start',
      options: {
        port: 9090,
        feedCount: 3,
        dataDir: '/tmp/x',
        hardware: 'cpu',
        tls: { files: { certPath: 'c', keyPath: 'k' } },
        newToken: true,
      },
    });
  });

  it('--feeds 0 is not the same as no --feeds', () => {
    expect(parseOptions(['--feeds', '0'])).toMatchObject({ options: { feedCount: 0 } });
  });

  it('--redis and --s3 make the parts processes of their own, over a bucket with a usual name', () => {
    const urls = ['--redis', 'redis://r:6379', '--s3', 'http://s:9000'];
    const separate = { redisUrl: 'redis://r:6379', s3Url: 'http://s:9000' };
    expect(parseOptions(urls)).toMatchObject({
      options: { separate: { ...separate, bucket: 'mirror-media' } },
    });
    expect(parseOptions([...urls, '--s3-bucket', 'mine'])).toMatchObject({
      options: { separate: { ...separate, bucket: 'mine' } },
    });
  });

  it.each([
    [['--redis', 'redis://r:6379'], '--redis and --s3 belong together: give both or neither'],
    [['--redis', 'r:6379', '--s3', 'http://s'], '--redis must be a URL such as redis://localhost:6379'],
    [['--s3-bucket', 'mine'], '--s3-bucket needs --s3'],
    [['--port', 'http'], '--port must be a whole number, 0 to 65535'],
    [['--port', '70000'], '--port must be 0 to 65535'],
    [['--feeds', '25'], '--feeds must be 0 to 24'],
    [['--feeds', ''], '--feeds must be a whole number, 0 to 24'],
    [['--feeds=-1'], '--feeds must be a whole number, 0 to 24'],
    [['--hardware', 'amd'], '--hardware must be one of auto, cpu, nvidia'],
    [['--tls', '--cert', 'c'], '--cert and --key belong together: give both or neither'],
    [['--cert', 'c', '--key', 'k'], '--cert and --key need --tls'],
    [['--data-dir', ''], '--data-dir must name a directory'],
    [['--prot', '1'], "Unknown option '--prot'"],
    [['live'], "Unexpected argument 'live'"],
  ])('%j is refused in one sentence', (argv, message) => {
    const parsed = parseOptions(argv);
    expect(parsed).toMatchObject({ kind: 'bad' });
    expect(parsed.kind === 'bad' && parsed.message).toContain(message);
    expect(parsed.kind === 'bad' && parsed.message).not.toContain('\n');
  });

  it('two bad values are reported together', () => {
    expect(parseOptions(['--port', 'x', '--feeds', 'y'])).toEqual({
      kind: 'bad',
      message: '--port must be a whole number, 0 to 65535; --feeds must be a whole number, 0 to 24',
    });
  });
});
