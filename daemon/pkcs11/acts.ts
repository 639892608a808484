/** What programs do with cards, in the audit log: each act has its record before the program is answered, and none is begun while records cannot be written. */
import type { TokenAct, TokenChange } from '../../pkcs11-module/desk.ts';
import { CkError } from '../../pkcs11-module/errors.ts';
import { documentedCode } from '../api/wire-error.ts';
import type { Audit } from '../audit/trace.ts';
import type { CardRecord } from '../desk/records.ts';

export interface ProgramAct {
  readonly act: TokenAct | TokenChange['act'];
  /** What people know the program by. */
  readonly program: string;
  readonly card: CardRecord;
}

export async function recorded<R>(audit: Audit, act: ProgramAct, work: () => Promise<R>): Promise<R> {
  await audit.ready();
  let outcome = 'ok';
  try {
    return await work();
  } catch (error) {
    outcome = outcomeOf(error);
    throw error;
  } finally {
    await audit.append({ ...describe(act), outcome });
  }
}

function describe({ act, program, card }: ProgramAct): Omit<Parameters<Audit['append']>[0], 'outcome'> {
  return {
    callerKind: 'native',
    caller: program,
    method: act,
    ...(card.serialNumber === undefined ? {} : { cardSerial: card.serialNumber }),
    ...(card.kind === undefined ? {} : { cardApplication: card.kind.id }),
    reader: card.reader.name,
  };
}

/** Of an error of PKCS #11, what lies behind it. */
function outcomeOf(error: unknown): string {
  if (!(error instanceof CkError)) return documentedCode(error, undefined);
  return error.cause === undefined ? 'invalid_request' : documentedCode(error.cause, undefined);
}
