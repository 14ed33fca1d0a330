import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { middleOf, Presentation } from '../../../player/presentation.ts';

const FRAME_MS = 1000 / 30;
const ONE_TRIM_MS = 6_100;

const withoutPictures = {} as HTMLMediaElement;
const pane = () => new Presentation(withoutPictures, () => undefined);
const read = (presentation: Presentation, shownLatencyMs: number, times = 5) => {
  for (let time = 0; time < times; time++) presentation.learn(shownLatencyMs);
};

test('the middle of several is between the inner two, and there is none of one', () => {
  expect(middleOf([480, 500, 530, 510])).toBe(505);
  expect(middleOf([480, 500, 530])).toBe(500);
  expect(middleOf([480])).toBeUndefined();
});

describe('a pane’s trim', () => {
  test('begins when five readings agree on a middle that is off, and a stray reading does not count', () => {
    const presentation = pane();
    read(presentation, 520, 4);
    presentation.trimTo(500, 10_000);
    expect(presentation.trimMs).toBe(0);
    presentation.learn(700);
    presentation.trimTo(500, 10_000);
    expect(presentation.trimMs).toBe(8);
  });

  test('leaves alone what is within half a frame', () => {
    const presentation = pane();
    read(presentation, 516);
    presentation.trimTo(500, 10_000);
    expect(presentation.trimMs).toBe(0);
  });

  test('is not changed again before the last one had its effect, nor beyond a refresh', () => {
    const presentation = pane();
    read(presentation, 520);
    presentation.trimTo(500, 10_000);
    read(presentation, 520);
    presentation.trimTo(500, 12_000);
    expect(presentation.trimMs).toBe(8);
    for (let round = 1; round <= 4; round++) {
      read(presentation, 520);
      presentation.trimTo(500, 10_000 + round * ONE_TRIM_MS);
    }
    expect(presentation.trimMs).toBe(16);
  });

  test('brings panes whose frames fall anywhere to within half a frame of the middle, or to its limit, and rests', () => {
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
        const trims: string[] = [];
        let middleMs = 0;
        for (let round = 1; round <= 12; round++) {
          for (const each of panes) read(each.presentation, shownMs(each));
          middleMs = middleOf(panes.map(({ presentation }) => presentation.shownLatencyMs ?? 0)) ?? 0;
          for (const { presentation } of panes) presentation.trimTo(middleMs, round * ONE_TRIM_MS);
          trims.push(panes.map(({ presentation }) => presentation.trimMs).join());
        }
        const far = panes.filter(
          (each) => Math.abs(shownMs(each) - middleMs) > 18.001 && Math.abs(each.presentation.trimMs) < 16,
        );
        expect(far).toEqual([]);
        expect(new Set(trims.slice(-3)).size).toBe(1);
      }),
      { numRuns: 200 },
    );
  });
});
