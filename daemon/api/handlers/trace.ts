/** trace.*: the recorder, as the API has it. */
import type { Result } from '../../../api-spec/methods/index.ts';
import { ApiError } from '../../errors.ts';
import type { TraceState, TraceTarget } from '../../trace/recorder.ts';
import { listTraces } from '../../trace/trace-file.ts';
import type { Desk } from '../../desk/desk.ts';
import type { Handlers } from '../call.ts';
import type { HandlerContext } from './context.ts';

type TraceMethods = 'trace.list' | 'trace.start' | 'trace.stop';

export function traceHandlers({ recorder, desk, simulated }: HandlerContext): Pick<Handlers, TraceMethods> {
  return {
    'trace.list': () => {
      const { state } = recorder;
      const traces = listTraces(recorder.folder).map(({ name, bytes, changedAt }) => ({
        ...{ file: name, bytes },
        changedAt: changedAt.toISOString(),
      }));
      return { ...(state ? { running: describeTrace(state) } : {}), traces };
    },
    'trace.start': ({ card: target, durationMs, contents }, call) => {
      if (contents === 'whole' && !simulated)
        throw new ApiError('not_simulated', 'starting a trace with all contents: the cards of this desk are of real people');
      if (target !== undefined) requireTarget(desk, target);
      const state = recorder.start({ target, durationMs, contents });
      call.subject = { purpose: state.file };
      return describeTrace(state);
    },
    'trace.stop': (_, call) => {
      const stopped = recorder.stop();
      call.subject = { purpose: stopped.file };
      return describeTrace(stopped);
    },
  };
}

/** A role may be bound later, and a card put in; a reader or a card by id must be there. Throws not_found. */
function requireTarget(desk: Desk, target: TraceTarget): void {
  if (typeof target === 'string') desk.resolve(target);
  else if ('reader' in target) desk.reader(target.reader);
}

export function describeTrace({ file, startedAt, endsAt, contents, exchanges, bytes }: TraceState): Result<'trace.stop'> {
  return { file, startedAt: startedAt.toISOString(), endsAt: endsAt.toISOString(), contents, exchanges, bytes };
}
