import { describe, expect, test } from 'vitest';
import { finishedRecordingOf } from '../../../domain/recording.ts';
import { readExportConfig } from '../../../gpu-runner/export/config.ts';
import { thumbnailTrack } from '../../../gpu-runner/export/thumbnail-track.ts';

const KEY = 'recordings/cam-1/20261122T145900.500Z/finished.json';

describe('which recording has ended', () => {
  test('is read from the key of the object that says so', () => {
    expect(finishedRecordingOf(KEY)).toEqual({ streamId: 'cam-1', name: '20261122T145900.500Z' });
  });

  test.each([
    'recordings/cam-1/20261122T145900.500Z/index.m3u8',
    'recordings/cam-1/latest.json',
    'recordings/../20261122T145900.500Z/finished.json',
    'recordings/cam-1/x/20261122T145900.500Z/finished.json',
    'recordings/cam-1/20261122T145900.500Z/export/finished.json',
  ])('%s is no such object', (key) => {
    expect(finishedRecordingOf(key)).toBeUndefined();
  });
});

describe('configuration of an export', () => {
  const good = {
    MIRROR_FINISHED_KEY: KEY,
    MIRROR_RECORDINGS_BUCKET: 'recordings',
    AWS_REGION: 'us-east-1',
    MIRROR_SCRATCH_DIRECTORY: '/scratch',
  };

  test('names the recording and the bucket', () => {
    expect(readExportConfig(good)).toEqual({
      recording: { streamId: 'cam-1', name: '20261122T145900.500Z' },
      bucket: { bucket: 'recordings', region: 'us-east-1' },
      scratchDirectory: '/scratch',
    });
  });

  test('says everything that is wrong at once', () => {
    expect(() => readExportConfig({ ...good, MIRROR_FINISHED_KEY: 'x', AWS_REGION: '' })).toThrow(
      /MIRROR_FINISHED_KEY must be recordings[\s\S]*AWS_REGION is set but empty/,
    );
  });
});

test('the 101st thumbnail is the first place of the second sheet, and the last one lasts to the end', () => {
  const shownMs = Array.from({ length: 101 }, (_, index) => index * 10_000);
  const cues = thumbnailTrack(shownMs, 3_661_001).split('\n\n').slice(1);
  expect(cues[11]).toBe('00:01:50.000 --> 00:02:00.000\nthumbnails-0.jpg#xywh=160,90,160,90');
  expect(cues[100]?.trim()).toBe('00:16:40.000 --> 01:01:01.001\nthumbnails-1.jpg#xywh=0,0,160,90');
});
