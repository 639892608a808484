import { formatHex, parseHex } from '../../../apdu/bytes.ts';
import { NotSupportedByCardError } from '../../../apdu/errors.ts';
import { CommandApduError, parseCommandApdu, type CommandApdu } from '../../../apdu/iso7816/command-apdu.ts';
import { parseResponseApdu } from '../../../apdu/iso7816/response-apdu.ts';
import { formatStatusWord } from '../../../apdu/iso7816/status-word.ts';
import { describeCard, describeCertificate, describeIdentity, describeKey, describePin } from '../../desk/describe.ts';
import { useCard } from '../../desk/card-access.ts';
import type { CardRecord } from '../../desk/records.ts';
import { DeviceRemovedError } from '../../../drivers/errors.ts';
import { ApiError } from '../../errors.ts';
import { identityOf, judgeCertificates } from '../../identity/identity.ts';
import type { Call, Handlers } from '../call.ts';
import { roleIn, withCard, type CardParams, type HandlerContext } from './context.ts';

/** VERIFY, CHANGE REFERENCE DATA, DISABLE and ENABLE VERIFICATION REQUIREMENT, RESET RETRY COUNTER, some with an odd form (ISO/IEC 7816-4:2020, section 11.6): they carry PINs. */
const PIN_INSTRUCTIONS: readonly number[] = [0x20, 0x21, 0x24, 0x25, 0x26, 0x28, 0x2c, 0x2d];

type CardMethods = 'card.lease' | 'card.list' | 'card.read' | 'card.release' | 'card.transmit';

export function cardHandlers(context: HandlerContext): Pick<Handlers, CardMethods> {
  const { desk } = context;
  return {
    'card.lease': async (params, call) => {
      const card = await cardToLease(context, params, call);
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
        const send = session.transmit?.bind(session);
        if (!send) throw new NotSupportedByCardError('sending a command: this card is used through a module, which takes none');
        session.card.tries.forgetAll();
        session.forget();
        const responses = [];
        const mayHaveSpent = commands.some(({ parsed }) => PIN_INSTRUCTIONS.includes(parsed.ins));
        for (const command of commands) {
          const { data, statusWord } = parseResponseApdu(
            await send(command.bytes, { sensitive: PIN_INSTRUCTIONS.includes(command.parsed.ins) }),
          );
          responses.push({ data: formatHex(data), statusWord: formatStatusWord(statusWord) });
        }
        session.card.contents = undefined;
        if (mayHaveSpent) desk.announce(session.card);
        return { responses };
      });
    },
  };
}

/** By its role: only a card that may act in it is lent. Each call under the lease that names the role is checked again. */
async function cardToLease({ desk }: HandlerContext, params: CardParams, call: Call): Promise<CardRecord> {
  const card = desk.resolve(params.card);
  const role = roleIn(params.card);
  if (role === undefined) return card;
  const lease = params.lease;
  await useCard(desk, card.id, { signal: call.signal, lease, role, raw: true }, () => Promise.resolve());
  if (desk.resolve(params.card) !== card)
    throw new DeviceRemovedError(`leasing card ${card.id}: ${role} has another card by now`);
  return card;
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
