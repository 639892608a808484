/** What the instructions of a PKCS #15 card have in common. */
import type { CommandApdu } from '../../../../apdu/iso7816/command-apdu.ts';
import { SW_SECURITY_STATUS_NOT_SATISFIED } from '../../../../apdu/iso7816/status-word.ts';
import { Refusal, type CardAnswer } from '../../transport.ts';
import type { Condition } from './access.ts';
import type { Eid } from './memory.ts';

/** A whole command. */
export interface EidCommand extends CommandApdu {
  readonly data: Uint8Array;
}

export type Instruction = (eid: Eid, command: EidCommand) => CardAnswer | Promise<CardAnswer>;

export function requireCondition(eid: Eid, condition: Condition): void {
  if (condition === 'always' || (typeof condition === 'number' && eid.session.verified.has(condition))) return;
  throw new Refusal(SW_SECURITY_STATUS_NOT_SATISFIED);
}
