import { describe, expect, test } from 'vitest';
import { REFERENCE_ENVIRONMENT } from '../../../domain/cost/environment.ts';
import {
  cloudFrontDataUsdPerHour,
  cloudFrontRequestsUsdPerHour,
  costLines,
  deliveryBps,
  gbPerHour,
  gpuHostCount,
  ivsUsdPerHour,
  mediaLiveUsdPerHour,
  networkLoadBalancerUnits,
  type Plan,
  partsPerSecond,
  quotaUses,
  requestsPerSecond,
  totalUsdPerHour,
} from '../../../domain/cost/model.ts';
import { loadEnvironment } from '../../../lib/config.ts';

const plan: Plan = {
  environment: loadEnvironment('prod'),
  feedCount: 25,
  viewerCount: 5_000,
  panesPerViewer: 6,
  delivery: 'balanced',
  engine: 'clock-mse',
  ingestBps: 50e6,
  hoursPerMonth: 100,
};

describe('what the formulas say', () => {
  test('a viewer of six panes asks for seven renditions: six pictures and one sound', () => {
    expect(requestsPerSecond({ ...plan, viewerCount: 1 })).toBe(7 * 2);
    expect(requestsPerSecond({ ...plan, viewerCount: 1, engine: 'hls-js', delivery: 'lowest-latency' })).toBe(
      7 * 20,
    );
  });

  test('bits per second are six pictures, one sound and 3% of boxes', () => {
    expect(deliveryBps({ viewerCount: 1, panesPerViewer: 6 })).toBeCloseTo((6 * 400_000 + 64_000) * 1.03, 6);
  });

  test('8 Mbps are 3.6 GB an hour', () => {
    expect(gbPerHour(8e6)).toBeCloseTo(3.6, 9);
  });

  test('a million requests cost a dollar', () => {
    expect(cloudFrontRequestsUsdPerHour(1e6 / 3_600)).toBeCloseTo(1, 9);
  });

  test('data costs by the tiers of the month', () => {
    expect(cloudFrontDataUsdPerHour(10_240, 1)).toBeCloseTo(10_240 * 0.085, 6);
    expect(cloudFrontDataUsdPerHour(10_241, 1) - cloudFrontDataUsdPerHour(10_240, 1)).toBeCloseTo(0.08, 6);
    expect(cloudFrontDataUsdPerHour(0, 100)).toBe(0);
    expect(cloudFrontDataUsdPerHour(100, 700)).toBeLessThan(cloudFrontDataUsdPerHour(100, 10));
  });

  test('hosts are whole, with the spare that the capacity target keeps, within the limits of the environment', () => {
    expect(gpuHostCount({ environment: plan.environment, feedCount: 0 })).toBe(2);
    expect(gpuHostCount({ environment: plan.environment, feedCount: 11 })).toBe(4);
    expect(gpuHostCount({ environment: plan.environment, feedCount: 25 })).toBe(6);
  });

  test('25 feeds make 500 parts a second of two tracks', () => {
    expect(partsPerSecond(25)).toBe(500);
  });

  test('25 feeds of 50 Mbps are 562 units of the ingest load balancer', () => {
    expect(networkLoadBalancerUnits(25, 50e6)).toBeCloseTo(562.5, 6);
  });

  test('the total is the sum of its lines, and none of them is unknown', () => {
    const lines = costLines(plan);
    expect(lines.every(({ usdPerHour }) => Number.isFinite(usdPerHour) && usdPerHour > 0)).toBe(true);
    expect(totalUsdPerHour(lines)).toBeCloseTo(
      lines.reduce((sum, { usdPerHour }) => sum + usdPerHour, 0),
      9,
    );
  });

  test.each(['dev', 'staging', 'prod'])('%s has a price for everything in it', (name) => {
    const environment = loadEnvironment(name);
    const lines = costLines({ ...plan, environment, feedCount: environment.ingest.slotCount });
    expect(lines.filter(({ usdPerHour }) => !Number.isFinite(usdPerHour))).toEqual([]);
  });

  test('IVS charges each pane as a viewer', () => {
    expect(ivsUsdPerHour({ ...plan, feedCount: 1, viewerCount: 1 })).toBeCloseTo(2 + 6 * 0.0375, 9);
  });

  test('MediaLive without viewers costs its channels', () => {
    expect(mediaLiveUsdPerHour({ ...plan, feedCount: 1, viewerCount: 0 })).toBeCloseTo(
      0.294 + 0.354 + 0.2088 * 0.08,
      3,
    );
  });
});

describe('quotas', () => {
  const need = (name: string, changed: Partial<Plan>) =>
    quotaUses({ ...plan, ...changed }).find(({ quota }) => quota === name);

  test('hls.js at lowest latency passes what one distribution answers', () => {
    const use = need('CloudFront requests/s', { engine: 'hls-js', delivery: 'lowest-latency' });
    expect(use?.need).toBe(700_000);
    expect(use?.need).toBeGreaterThan(use?.limit ?? Number.POSITIVE_INFINITY);
  });

  test('the clock engine stays within it', () => {
    const use = need('CloudFront requests/s', {});
    expect(use?.need).toBeLessThan(use?.limit ?? 0);
  });
});

test('what one machine reckons with is the environment prod', () => {
  expect(loadEnvironment('prod')).toMatchObject(REFERENCE_ENVIRONMENT);
});
