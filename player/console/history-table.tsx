/** What became of a stream, newest first. */
import type { StreamDetail } from '../../domain/control/api.ts';
import { reasonInWords } from '../../domain/control/history-words.ts';
import { useConsole } from './state-context.ts';
import { durationInWords, instantInWords } from './words.ts';

export function HistoryTable({ history }: { readonly history: StreamDetail['history'] }) {
  const nowMs = useConsole().nowMs.value;
  const entries = history.map((entry, index) => ({
    ...entry,
    atMs: Date.parse(entry.at),
    untilMs: Date.parse(history[index + 1]?.at ?? new Date(nowMs).toISOString()),
  }));
  return (
    <>
      <table>
        <thead>
          <tr>
            <th scope="col">At</th>
            <th scope="col">State</th>
            <th scope="col">For</th>
            <th scope="col">Why</th>
          </tr>
        </thead>
        <tbody>
          {entries.toReversed().map(({ state, at, atMs, untilMs, reason, times }) => (
            <tr key={`${at} ${state}`}>
              <td>
                <time dateTime={at}>{instantInWords(atMs, nowMs)}</time>
              </td>
              <td>{state}</td>
              <td>{durationInWords(untilMs - atMs)}</td>
              <td>{reasonInWords({ reason, times })}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}
