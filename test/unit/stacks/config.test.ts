import { describe, expect, test } from 'vitest';
import { ENVIRONMENTS, loadEnvironment } from '../../../lib/config.ts';

describe('environments', () => {
  test.each(Object.keys(ENVIRONMENTS))('%s is sound', (name) => {
    expect(loadEnvironment(name).name).toBe(name);
  });

  test('prod runs 25 feeds with a GPU to spare', () => {
    const { gpu, ingest, viewers } = loadEnvironment('prod');
    expect(ingest.slotCount).toBe(25);
    expect((gpu.maxInstances - 1) * gpu.feedsPerInstance).toBeGreaterThanOrEqual(25);
    expect(viewers.limit).toBe(5_000);
  });

  test('dev is the smallest: one g5.xlarge, three slots, no NAT', () => {
    const { gpu, ingest, egress } = loadEnvironment('dev');
    expect(gpu).toMatchObject({ instanceType: 'g5.xlarge', minInstances: 1, maxInstances: 1 });
    expect(ingest.slotCount).toBe(3);
    expect(egress).toBe('public-hosts');
  });

  test('without a name the error says which there are', () => {
    expect(() => loadEnvironment(undefined)).toThrow(
      'Say which environment: -c env=NAME, one of dev, staging, prod.',
    );
    expect(() => loadEnvironment('live')).toThrow(
      'There is no environment "live". Use one of dev, staging, prod',
    );
  });

  test('all problems are named at once, each with its path', () => {
    const broken = () =>
      loadEnvironment('prod', {
        gpu: { ...loadEnvironment('prod').gpu, maxInstances: 3 },
        zoneIds: ['use1-az4', 'use1-az4'],
        signingKeyGenerations: [1, 1],
        unknown: true,
      });
    expect(broken).toThrow(/Unrecognized key: "unknown"/);
  });

  test('slots that no GPU could run are refused with the sum', () => {
    expect(() =>
      loadEnvironment('prod', { gpu: { ...loadEnvironment('prod').gpu, maxInstances: 3 } }),
    ).toThrow('gpu.maxInstances: 3 instances of 5 feeds cannot run 25 slots');
  });

  test('a domain without a certificate is refused', () => {
    const { delivery } = loadEnvironment('dev');
    expect(() =>
      loadEnvironment('dev', { delivery: { ...delivery, domainName: 'live.example.com' } }),
    ).toThrow('domainName and certificateArn go together');
  });
});
