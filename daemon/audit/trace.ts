/** One act from start to answer: no act while the log cannot be written, and no answer before its record is on the disk. */
import type { Call } from '../api/call.ts';
import { documentedCode } from '../api/wire-error.ts';
import { ApiError } from '../errors.ts';
import { fullNameOf } from '../full-name.ts';
import type { AuditAct } from './record.ts';

export interface Audit {
  /** Undefined when records can be written as far as is known. Else rejects with audit_unavailable when they cannot. */
  ready(): Promise<void> | undefined;
  /** Resolves when the record is on the disk. Rejects with audit_unavailable. */
  append(act: Omit<AuditAct, 'time'>): Promise<void>;
}

export interface Act {
  readonly call: Call;
  readonly work: () => unknown;
  /** Runs the work with the call's deadline. */
  readonly run: (work: () => unknown) => Promise<unknown>;
}

/** What goes on after the caller gave up, and is done after all, leaves a second record. */
export async function traced(audit: Audit, { call, work, run }: Act): Promise<unknown> {
  const record = (outcome: string): Promise<void> => audit.append(describeAct(call, outcome));
  let isAnswered = false;
  const watched = (): unknown => {
    const waiting = audit.ready();
    const done = waiting ? waiting.then(work) : work();
    const recordLate = async (): Promise<void> => {
      if (isAnswered) await record('ok');
    };
    if (done instanceof Promise) done.then(recordLate).catch(() => undefined); // told to the caller, or logged by the audit log
    return done;
  };
  try {
    const result = await run(watched);
    await record('ok');
    return result;
  } catch (error) {
    if (error instanceof ApiError && error.code === 'audit_unavailable') throw error;
    isAnswered = true;
    await record(documentedCode(error, call.method));
    throw error;
  }
}

function describeAct({ caller, method, subject }: Call, outcome: string): Omit<AuditAct, 'time'> {
  const { origin } = caller;
  const { serialNumber, kind, reader } = subject?.card ?? {};
  return {
    callerKind: origin === undefined ? 'native' : 'web',
    caller: fullNameOf(caller),
    ...(origin === undefined ? {} : { origin }),
    method,
    ...(serialNumber === undefined ? {} : { cardSerial: serialNumber }),
    ...(kind === undefined ? {} : { cardApplication: kind.id }),
    ...(reader === undefined ? {} : { reader: reader.name }),
    outcome,
    ...(subject?.purpose === undefined ? {} : { purpose: subject.purpose }),
  };
}
