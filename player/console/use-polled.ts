/** The newest answer to a question that is asked again and again while somebody looks at the page. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { messageOf } from '../../domain/errors.ts';

export interface Polled<Value> {
  readonly value: Value | undefined;
  /** Why the last question was not answered. */
  readonly problem: string | undefined;
}

/** @param about what the question is about: it is asked at once when that changes. */
export function usePolled<Value>(
  ask: () => Promise<Value | undefined>,
  everyMs: number,
  about: string,
): Polled<Value> {
  const askRef = useRef(ask);
  askRef.current = ask;
  const [polled, setPolled] = useState<Polled<Value>>({ value: undefined, problem: undefined });
  useEffect(() => {
    let isGone = false;
    const load = async () => {
      try {
        const value = await askRef.current();
        if (!isGone) setPolled({ value, problem: undefined });
      } catch (error) {
        if (!isGone) setPolled(({ value }) => ({ value, problem: messageOf(error) }));
      }
    };
    void load();
    const timer = setInterval(() => {
      if (!document.hidden) void load();
    }, everyMs);
    return () => {
      isGone = true;
      clearInterval(timer);
    };
  }, [everyMs, about]);
  return polled;
}
