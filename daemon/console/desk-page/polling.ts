/** Calls whose answers no event keeps up to date: asked again now and then while somebody looks. */
import { useEffect } from 'preact/hooks';
import type { MethodName, Params, Result } from '../../../api-spec/methods/index.ts';
import { useAnswer, type Answer } from './use-live.ts';

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
