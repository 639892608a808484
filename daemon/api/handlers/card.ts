import { formatHex, parseHex } from '../../../apdu/bytes.ts';
import { CommandApduError, parseCommandApdu, type CommandApdu } from '../../../apdu/iso7816/command-apdu.ts';
import { parseResponseApdu } from '../../../apdu/iso7816/response-apdu.ts';
import { formatStatusWord } from '../../../apdu/iso7816/status-word.ts';
import { describeCard, describeCertificate, describeIdentity, describeKey, describePin } from '../../desk/describe.ts';
import { ApiError } from '../../errors.ts';
import { identityOf, judgeCertificates } from '../../identity/identity.ts';
import type { Handlers } from '../call.ts';
import { withCard, type HandlerContext } from './context.ts';

/** VERIFY, CHANGE REFERENCE DATA, RESET RETRY COUNTER and their odd forms (ISO/IEC 7816-4:2020, section 11.6): they carry PINs. */
const PIN_INSTRUCTIONS: readonly number[] = [0x20, 0x21, 0x24, 0x25, 0x2c, 0x2d];

type CardMethods = 'card.lease' | 'card.list' | 'card.read' | 'card.release' | 'card.transmit';

export function cardHandlers(context: HandlerContext): Pick<Handlers, CardMethods> {
  const { desk } = context;
  return {
    'card.lease': (params, call) => {
      const card = desk.resolve(params.card);
      const { caller } = call;
      const { purpose, durationMs, lease: extended } = params;
      const lease = desk.leases.grant(card, {
        caller: caller.id,
        holder: caller.name,
        ...(purpose === undefined ? {} : { purpose }),
        ...(durationMs === undefined ? {} : { durationMs }),
        ...(extended === undefined ? {} : { lease: extended }),
      });
      return { lease: lease.id, card: card.id, fence: lease.fence, expiresAt: lease.expiresAt.toISOString() };
    },
    'card.list': () => ({ cards: desk.cards.map(describeCard) }),
    'card.read': (params, call) =>
      withCard(context, params, call, {}, async (session) => {
        if (params.refresh) session.card.contents = undefined;
        const { pins, contents } = await session.read();
        const now = new Date();
        const judged = judgeCertificates(contents.certificates, context.identity(), now);
        const identity = identityOf(judged);
        return {
          card: describeCard(session.card),
          pins: pins.map(describePin),
          keys: contents.keys.map(describeKey),
          certificates: judged.map((one) => describeCertificate(one, now)),
          ...(identity ? { identity: describeIdentity(identity) } : {}),
        };
      }),
    'card.release': (params) => {
      desk.leases.release(params.lease);
      return {};
    },
    'card.transmit': async (params, call) => {
      const commands = params.commands.map(parseCommand);
      return await withCard(context, params, call, { changes: true, raw: true }, async (session) => {
        session.card.tries.forgetAll();
        const responses = [];
        for (const command of commands) {
          const { data, statusWord } = parseResponseApdu(
            await session.transmit(command.bytes, { sensitive: PIN_INSTRUCTIONS.includes(command.parsed.ins) }),
          );
          responses.push({ data: formatHex(data), statusWord: formatStatusWord(statusWord) });
        }
        session.card.contents = undefined;
        return { responses };
      });
    },
  };
}

function parseCommand(hex: string, index: number): { bytes: Uint8Array; parsed: CommandApdu } {
  const bytes = parseHex(hex);
  try {
    return { bytes, parsed: parseCommandApdu(bytes) };
  } catch (error) {
    if (!(error instanceof CommandApduError)) throw error;
    const problem = `commands.${index} is no command APDU`;
    throw new ApiError('invalid_params', `${problem}: ${error.message}`, { problem }, { cause: error });
  }
}
