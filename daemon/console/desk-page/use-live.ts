/** What views take their data from: topics that are kept live, calls that are made once, and acts that a person does. */
import { createContext } from 'preact';
import { useCallback, useContext, useEffect, useState } from 'preact/hooks';
import type { EventName } from '../../../api-spec/events.ts';
import type { MethodName, Params, Result } from '../../../api-spec/methods/index.ts';
import type { Live } from './live.ts';
import { useReadable } from './readable.ts';
import type { LinkState } from './session.ts';
import type { Topic } from './topic.ts';

export const LiveContext = createContext<Live | undefined>(undefined);

export function useLive(): Live {
  const live = useContext(LiveContext);
  if (!live) throw new Error('a view was drawn outside the page');
  return live;
}

export const useLinkState = (): LinkState => useReadable(useLive().state);

/** As it stands; undefined until it was read. Draws again at most once per frame. */
export function useTopic<S, N extends EventName>(topic: Topic<S, N>): S | undefined {
  const live = useLive();
  useEffect(() => live.follow(topic), [live, topic]);
  return useReadable(topic);
}

export interface Answer<R> {
  /** The last one, also while it is asked again. */
  readonly result?: R;
  readonly error?: unknown;
  readonly isAsking: boolean;
  readonly askAgain: () => void;
}

/** Calls now, whenever `params` change, and when the connection came back. `params` undefined: nothing is asked. */
export function useAnswer<N extends MethodName>(method: N, params: Params<N> | undefined): Answer<Result<N>> {
  const live = useLive();
  const isConnected = useLinkState() === 'connected';
  const [round, setRound] = useState(0);
  const [answer, setAnswer] = useState<{ readonly key?: string; readonly result?: Result<N>; readonly error?: unknown }>({});
  const key = JSON.stringify(params);
  useEffect(() => {
    if (params === undefined || !isConnected) return undefined;
    const giveUp = new AbortController();
    const { signal } = giveUp;
    live.call(method, params, { signal }).then(
      (result) => signal.aborted || setAnswer({ key, result }),
      (error: unknown) => signal.aborted || setAnswer({ key, error }),
    );
    return () => giveUp.abort();
  }, [live, method, key, isConnected, round]);
  const isOfThis = answer.key === key;
  return {
    ...(isOfThis && answer.result !== undefined ? { result: answer.result } : {}),
    ...(isOfThis && answer.error !== undefined ? { error: answer.error } : {}),
    isAsking: !isOfThis && params !== undefined,
    askAgain: useCallback(() => setRound((count) => count + 1), []),
  };
}

export interface Act<P> {
  readonly run: (params: P) => void;
  readonly isRunning: boolean;
  readonly error?: unknown;
}

/** Something that a person does with a button; one at a time. */
export function useAct<N extends MethodName>(method: N, onDone: () => void): Act<Params<N>> {
  const live = useLive();
  const [state, setState] = useState<{ readonly isRunning: boolean; readonly error?: unknown }>({ isRunning: false });
  const run = (params: Params<N>): void => {
    if (state.isRunning) return;
    setState({ isRunning: true });
    live.call(method, params).then(
      () => {
        setState({ isRunning: false });
        onDone();
      },
      (error: unknown) => setState({ isRunning: false, error }),
    );
  };
  return { run, ...state };
}
