/** The recorder of a daemon: its folder, and its records in the audit log when a trace ends by itself. */
import { join } from 'node:path';
import type { Audit } from '../audit/trace.ts';
import type { Log } from '../log.ts';
import { TraceRecorder } from './recorder.ts';
import { TRACE_FOLDER } from './trace-file.ts';

interface OpenOptions {
  readonly dataFolder: string;
  readonly audit: Audit;
  readonly log: Log;
}

/** The end of a daemon ends its trace; the trace itself tells so. */
export function openRecorder({ dataFolder, audit, log }: OpenOptions): TraceRecorder {
  return new TraceRecorder({
    folder: join(dataFolder, TRACE_FOLDER),
    log,
    onEnd: ({ file, reason }) => {
      if (reason === 'shutdown') return;
      const act = {
        callerKind: 'native',
        caller: 'kortd',
        method: 'trace.stop',
        outcome: 'ok',
        purpose: `${file}: ${reason}`,
      } as const;
      audit.append(act).catch((error: unknown) => log.error({ err: error }, 'the end of a trace was not recorded'));
    },
  });
}
