/** What the instructions of a PIV card have in common. */
import type { CommandApdu } from '../../../../apdu/iso7816/command-apdu.ts';
import { SW_INCORRECT_P1_P2, SW_SECURITY_STATUS_NOT_SATISFIED, SW_WRONG_DATA } from '../../../../apdu/iso7816/status-word.ts';
import { decodeTlv, type TlvObject } from '../../../../apdu/tlv/ber-tlv.ts';
import { Refusal, type CardAnswer } from '../../transport.ts';
import type { OpenChallenge, Piv } from './memory.ts';

/** A whole command, with what only the command right before it left behind. */
export interface PivCommand extends CommandApdu {
  readonly data: Uint8Array;
  readonly openChallenge: OpenChallenge | undefined;
  readonly pinFresh: boolean;
}

export type Instruction = (piv: Piv, command: PivCommand) => CardAnswer | Promise<CardAnswer>;

export function requireParameters(command: PivCommand, p1: number, p2: number): void {
  if (command.p1 !== p1 || command.p2 !== p2) throw new Refusal(SW_INCORRECT_P1_P2);
}

export function requireManagement(piv: Piv): void {
  if (!piv.session.managementAuthenticated) throw new Refusal(SW_SECURITY_STATUS_NOT_SATISFIED);
}

/** The data objects in a template that must be the whole data field. */
export function decodeTemplate(data: Uint8Array, tag: number): readonly TlvObject[] {
  const [template, ...others] = decodeTlv(data);
  if (template?.tag !== tag || others.length > 0) throw new Refusal(SW_WRONG_DATA);
  return decodeTlv(template.value);
}
