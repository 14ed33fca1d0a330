import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MeetingPlace, Presentation } from '../../../player/presentation.ts';

const FRAME_MS = 1000 / 30;
const ONE_TRIM_MS = 3_100;

const withoutPictures = {} as HTMLMediaElement;
const pane = () => new Presentation(withoutPictures, () => undefined);
const read = (presentation: Presentation, shownLatencyMs: number, times = 5) => {
  for (let time = 0; time < times; time++) presentation.learn(shownLatencyMs);
};
const untrimmed = (...behindMs: number[]) => behindMs.map((ms) => ({ behindMs: ms, trimMs: 0 }));

describe('the place where the panes’ pictures meet', () => {
  test('is in the middle of panes that are near each other, and there is none for one', () => {
    expect(new MeetingPlace().of(untrimmed(5), 0)).toBeUndefined();
    expect(new MeetingPlace().of(untrimmed(5, 15, 9), 0)).toBeCloseTo(10);
  });

  test('lies opposite the widest gap, since each pane can be moved by whole frames', () => {
    // 2, 4 and 30 behind: 30 is nearer to them a frame earlier, 3.3 ahead.
    const place = new MeetingPlace().of(untrimmed(2, 4, 30), 0) ?? Number.NaN;
    expect(place).toBeCloseTo((30 - FRAME_MS + 4) / 2);
  });

  test('stays when the machine was busy and some panes came out of it a frame later', () => {
    const meeting = new MeetingPlace();
    const place = meeting.of(untrimmed(2, 4, 9, 12), 0);
    expect(meeting.of(untrimmed(2 + FRAME_MS, 4, 9 + FRAME_MS, 12), 100)).toBe(place);
  });

  test('stays while another one is hardly better, and moves when it is', () => {
    const meeting = new MeetingPlace();
    expect(meeting.of(untrimmed(0, 10), 0)).toBeCloseTo(5);
    expect(meeting.of(untrimmed(2, 14), 100)).toBeCloseTo(5);
    expect(meeting.of(untrimmed(6, 18), 200)).toBeCloseTo(12);
  });

  test('begins where the panes would be without their trims, and follows them by frames once they stay away', () => {
    const meeting = new MeetingPlace();
    const trimmed = [26, 29, 31].map((behindMs) => ({ behindMs, trimMs: -24 }));
    expect(meeting.of(trimmed, 0)).toBeCloseTo(28.5 - FRAME_MS);
    const later = untrimmed(26, 29, 31);
    expect(meeting.of(later, 1_000)).toBeCloseTo(28.5 - FRAME_MS);
    expect(meeting.of(later, 10_900)).toBeCloseTo(28.5 - FRAME_MS);
    expect(meeting.of(later, 11_100)).toBeCloseTo(28.5);
  });

  test('is reached by every pane within half of what is left beside the widest gap', () => {
    const anywhere = fc.double({ min: -40, max: 40, noNaN: true });
    fc.assert(
      fc.property(fc.array(anywhere, { minLength: 2, maxLength: 6 }), (behindMs) => {
        const place = new MeetingPlace().of(untrimmed(...behindMs), 0) ?? Number.NaN;
        const farthestMs = Math.max(
          ...behindMs.map((ms) => Math.abs(ms - place - Math.round((ms - place) / FRAME_MS) * FRAME_MS)),
        );
        // Six panes leave a gap of a sixth of the circle at least, two one of half.
        expect(farthestMs).toBeLessThanOrEqual((FRAME_MS * (1 - 1 / behindMs.length)) / 2 + 1e-6);
      }),
    );
  });
});

describe('a pane’s trim', () => {
  test('begins when five readings agree that the pane is off, and a stray reading does not count', () => {
    const presentation = pane();
    read(presentation, 520, 4);
    presentation.trimTo(500, 10_000);
    expect(presentation.trimMs).toBe(0);
    presentation.learn(700);
    presentation.trimTo(500, 10_000);
    expect(presentation.trimMs).toBe(12);
  });

  test('leaves alone what is within half a frame', () => {
    const presentation = pane();
    read(presentation, 516);
    presentation.trimTo(500, 10_000);
    expect(presentation.trimMs).toBe(0);
  });

  test('is not changed again before the last one had its effect, nor beyond two thirds of a frame', () => {
    const presentation = pane();
    read(presentation, 520);
    presentation.trimTo(500, 10_000);
    read(presentation, 520);
    presentation.trimTo(500, 12_000);
    expect(presentation.trimMs).toBe(12);
    for (let round = 1; round <= 4; round++) {
      read(presentation, 520);
      presentation.trimTo(500, 10_000 + round * ONE_TRIM_MS);
    }
    expect(presentation.trimMs).toBe(24);
  });

  test('of a pane that nothing brings nearer changes less and less often', () => {
    const presentation = pane();
    const trims: number[] = [];
    for (let nowMs = 0; nowMs < 120_000; nowMs += 100) {
      // It jumps from one side to the other, whatever is done.
      read(presentation, presentation.trimMs > 0 ? 470 : 530);
      presentation.trimTo(500, nowMs);
      if (trims.at(-1) !== presentation.trimMs) trims.push(presentation.trimMs);
    }
    expect(trims.length).toBeLessThan(12);
  });

  test('brings panes whose frames fall anywhere to the meeting place, and rests', () => {
    const anyPhase = fc.double({ min: 0, max: FRAME_MS, noNaN: true });
    fc.assert(
      fc.property(fc.array(anyPhase, { minLength: 2, maxLength: 6 }), (phasesMs) => {
        const panes = phasesMs.map((phaseMs) => ({ phaseMs, presentation: pane() }));
        // Each frame stands for two refreshes, which begin where those of all panes do: the first such place after the
        // playhead, which the trim moves, has come to it.
        const shownMs = ({ phaseMs, presentation }: (typeof panes)[number]) => {
          const dueMs = 10 * FRAME_MS + phaseMs - presentation.trimMs;
          return 300 + Math.ceil(dueMs / FRAME_MS) * FRAME_MS - 10 * FRAME_MS - phaseMs;
        };
        const meeting = new MeetingPlace();
        const trims: string[] = [];
        for (let round = 1; round <= 8; round++) {
          for (const each of panes) read(each.presentation, shownMs(each));
          const behindMs = meeting.of(
            panes.map((each) => ({ behindMs: shownMs(each) - 300, trimMs: each.presentation.trimMs })),
            round * 61_000,
          );
          for (const { presentation } of panes)
            presentation.trimTo(300 + (behindMs ?? Number.NaN), round * 61_000);
          trims.push(panes.map(({ presentation }) => presentation.trimMs).join());
        }
        const shown = panes.map(shownMs);
        const skewMs = Math.max(...shown) - Math.min(...shown);
        expect(skewMs).toBeLessThanOrEqual(2 * 18 + 1e-6);
        expect(new Set(trims.slice(-3)).size).toBe(1);
      }),
      { numRuns: 200 },
    );
  });
});
