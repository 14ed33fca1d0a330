/** The clients of the origin bench must not take half an answer for one, nor an error for media. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AnswerReader } from '../../../bench/origin-load-answer.ts';

const FIRST_BYTE_COUNT = 4;
const READ_BYTES = 256;

const whole = (status: number, body: string) =>
  `HTTP/1.1 ${status} Whatever\r\nContent-Type: a/b\r\nContent-Length: ${body.length}\r\nDate: now\r\n\r\n${body}`;
const chunked = (...chunks: readonly string[]) =>
  `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunks
    .map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`)
    .join('')}0\r\n\r\n`;

/** Reads all pieces through one buffer, whose rest holds what was read before, as a socket's does. */
function eventsOf(pieces: readonly Buffer[]): string[] {
  const events: string[] = [];
  const reader = new AnswerReader(FIRST_BYTE_COUNT, {
    onBodyBegin: (bytes, start) => events.push(bytes.toString('latin1', start, start + FIRST_BYTE_COUNT)),
    onBodyEnd: () => events.push('end'),
    onAnswer: (isOk) => events.push(isOk ? 'ok' : 'not ok'),
  });
  const shared = Buffer.alloc(READ_BYTES);
  for (const piece of pieces)
    for (let index = 0; index < piece.length; index += READ_BYTES) {
      const byteCount = piece.copy(shared, 0, index, index + READ_BYTES);
      reader.read(shared, byteCount);
    }
  return events;
}

const said = (...answers: readonly string[]) => Buffer.from(answers.join(''), 'latin1');

describe('what a client of the origin bench reads', () => {
  it.each([
    ['a whole answer', [whole(200, '1234 body')], ['1234', 'end', 'ok']],
    ['one without a body', [whole(200, '')], [expect.any(String), 'end', 'ok']],
    ['one that fits into no read', [whole(200, `1234${'x'.repeat(1_000)}`)], ['1234', 'end', 'ok']],
    ['chunks', [chunked('1234 a', '5678 b')], ['1234', 'end', '5678', 'end', 'ok']],
    ['a refusal, whose body is read over', [whole(503, 'busy'), whole(404, '')], ['not ok', 'not ok']],
    [
      'answers after one another',
      [whole(200, 'abcd'), chunked('efgh'), whole(404, 'no'), whole(200, 'ijkl')],
      ['abcd', 'end', 'ok', 'efgh', 'end', 'ok', 'not ok', 'ijkl', 'end', 'ok'],
    ],
  ])('%s', (_what, answers, expected) => {
    expect(eventsOf([said(...answers)])).toEqual(expected);
  });

  it.each([
    ['a head', whole(200, 'abcd').slice(0, 40)],
    ['a body but for its last byte', whole(200, 'abcdefgh').slice(0, -1)],
    ['chunks without the last', chunked('abcd').slice(0, -5)],
    ['the last chunk without its line end', chunked('abcd').slice(0, -2)],
  ])('no answer in %s', (_what, text) => {
    const events = eventsOf([said(text)]);
    expect(events).not.toContain('ok');
  });

  it('the same in whatever pieces it comes', () => {
    const body = fc.string({ minLength: 4, maxLength: 400, unit: fc.constantFrom('a', '\r', '\n', '0') });
    const answer = fc.oneof(
      body.map((text) => whole(200, text)),
      body.map((text) => whole(503, text)),
      fc.array(body, { minLength: 1, maxLength: 3 }).map((chunks) => chunked(...chunks)),
    );
    // Doubles of fast-check are as often below 1e-100 as above, and would cut nothing.
    const cuts = fc.array(fc.integer({ min: 0, max: 1_000 }), { maxLength: 6 });
    fc.assert(
      fc.property(fc.array(answer, { minLength: 1, maxLength: 4 }), cuts, (answers, places) => {
        const bytes = said(...answers);
        const ends = [
          ...places.map((place) => Math.floor((place * bytes.length) / 1_000)),
          bytes.length,
        ].sort((a, b) => a - b);
        const pieces = ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
        expect(eventsOf(pieces)).toEqual(answers.flatMap((text) => eventsOf([said(text)])));
      }),
    );
  });
});
