/** A call that is made again when something changed, at most so often: many changes at once are one call. */
import { useEffect, useRef } from 'preact/hooks';

const AGAIN_MS = 500;

/** `change`: whatever it was when the answer was asked for; `askAgain` when it is another. */
export function useAskAgain(change: unknown, askAgain: () => void): void {
  const before = useRef(change);
  const timer = useRef<ReturnType<typeof setTimeout>>();
  useEffect(() => {
    if (Object.is(before.current, change)) return;
    before.current = change;
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      askAgain();
    }, AGAIN_MS);
  }, [change, askAgain]);
  useEffect(() => () => clearTimeout(timer.current), []);
}
