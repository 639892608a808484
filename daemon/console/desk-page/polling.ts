/** Calls that are made again now and then while somebody looks: what ends by time alone, and what grows all the time, is told by no event. */
import { useEffect } from 'preact/hooks';
import type { MethodName, Params, Result } from '../../../api-spec/methods/index.ts';
import { useAnswer, type Answer } from './use-live.ts';

/** What events tell needs no call; a consent that expires, a scan that is no longer kept, comes with none. */
export const ENDS_BY_TIME_MS = 60_000;

export function usePolled<N extends MethodName>(method: N, params: Params<N> | undefined, everyMs: number): Answer<Result<N>> {
  const answer = useAnswer(method, params);
  const { askAgain } = answer;
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) askAgain();
    }, everyMs);
    return () => clearInterval(timer);
  }, [askAgain, everyMs]);
  return answer;
}
