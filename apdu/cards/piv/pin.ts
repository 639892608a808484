/** PIN and PUK of PIV: status, VERIFY, CHANGE REFERENCE DATA, RESET RETRY COUNTER (NIST SP 800-73-5 part 2, sections 3.2.1 to 3.2.3). */
import type { KeypadPinFormat } from '../../card-connection.ts';
import type { CardChannel } from '../../card-channel.ts';
import { NotSupportedByCardError, ObjectNotFoundError, PinFormatError } from '../../errors.ts';
import { encodeCommandApdu, type CommandApdu } from '../../iso7816/command-apdu.ts';
import {
  SW_AUTHENTICATION_METHOD_BLOCKED,
  SW_REFERENCED_DATA_NOT_FOUND,
  SW_SUCCESS,
  counterOf,
} from '../../iso7816/status-word.ts';
import { checkPinAnswer, statusWordOf } from '../../pin-answer.ts';
import type { Secret } from '../../secret.ts';
import type { PinEntry, PinReference, PinStatus } from '../../token.ts';
import {
  GLOBAL_PIN_REFERENCE,
  INS_CHANGE_REFERENCE_DATA,
  INS_RESET_RETRY_COUNTER,
  INS_VERIFY,
  PIN_BLOCK_LENGTH,
  PIN_MIN_LENGTH,
  PIN_REFERENCE,
  PUK_REFERENCE,
} from './constants.ts';

const PAD = 0xff;
const KEYPAD_FORMAT: KeypadPinFormat = {
  minLength: PIN_MIN_LENGTH,
  maxLength: PIN_BLOCK_LENGTH,
  blockLengthBytes: PIN_BLOCK_LENGTH,
};

const LABELS: ReadonlyMap<PinReference, string> = new Map([
  [PIN_REFERENCE, 'PIV Card Application PIN'],
  [PUK_REFERENCE, 'PIN Unblocking Key'],
  [GLOBAL_PIN_REFERENCE, 'Global PIN'],
]);

export function describePin(reference: PinReference): Omit<PinStatus, 'verified'> {
  const label = LABELS.get(reference);
  if (label === undefined) throw new ObjectNotFoundError(`looking up PIN ${reference}: PIV has PIN 80, PUK 81 and global PIN 00`);
  const kind = reference === PUK_REFERENCE ? 'puk' : 'pin';
  return { reference, kind, label, minLength: PIN_MIN_LENGTH, maxLength: PIN_BLOCK_LENGTH };
}

/** Asks for the state of a PIN without using a try. The PUK has none to ask for: its state stays unknown here. */
export async function readPinStatus(channel: CardChannel, reference: PinReference): Promise<PinStatus> {
  const description = describePin(reference);
  if (description.kind === 'puk') return { ...description, verified: false };
  const response = await channel.exchange({ cla: 0x00, ins: INS_VERIFY, p1: 0x00, p2: Number.parseInt(reference, 16) });
  if (response.statusWord === SW_SUCCESS) return { ...description, verified: true };
  if (response.statusWord === SW_AUTHENTICATION_METHOD_BLOCKED) return { ...description, verified: false, attemptsRemaining: 0 };
  if (response.statusWord === SW_REFERENCED_DATA_NOT_FOUND)
    throw new ObjectNotFoundError(`asking for PIN ${reference}: card has no such PIN`);
  const attemptsRemaining = counterOf(response.statusWord);
  return { ...description, verified: false, ...(attemptsRemaining === undefined ? {} : { attemptsRemaining }) };
}

export async function verifyPin(channel: CardChannel, reference: PinReference, entry: PinEntry): Promise<void> {
  if (describePin(reference).kind === 'puk')
    throw new NotSupportedByCardError('verifying the PUK: PIV uses it only to unblock the PIN');
  await sendPinBlocks(channel, { attempt: `verifying PIN ${reference}`, ins: INS_VERIFY, p2: reference }, [entry]);
}

export async function changePin(channel: CardChannel, reference: PinReference, current: PinEntry, next: PinEntry): Promise<void> {
  const { kind } = describePin(reference);
  const attempt = kind === 'puk' ? `changing PUK ${reference}` : `changing PIN ${reference}`;
  await sendPinBlocks(channel, { attempt, ins: INS_CHANGE_REFERENCE_DATA, p2: reference }, [current, next]);
}

/** A wrong PUK is reported with the tries that the PUK has left. */
export async function unblockPin(channel: CardChannel, reference: PinReference, puk: PinEntry, next: PinEntry): Promise<void> {
  if (describePin(reference).kind === 'puk')
    throw new NotSupportedByCardError('unblocking the PUK: PIV has nothing to unblock it with');
  await sendPinBlocks(channel, { attempt: `unblocking PIN ${reference}`, ins: INS_RESET_RETRY_COUNTER, p2: reference }, [
    puk,
    next,
  ]);
}

interface PinCommand {
  readonly attempt: string;
  readonly ins: number;
  readonly p2: PinReference;
}

async function sendPinBlocks(channel: CardChannel, pin: PinCommand, entries: readonly PinEntry[]): Promise<void> {
  const secrets = entries.filter((entry): entry is Secret => entry !== 'keypad');
  if (secrets.length > 0 && secrets.length < entries.length) {
    throw new PinFormatError(`${pin.attempt}: either every entry comes from the keypad, or none`);
  }
  const data = new Uint8Array(PIN_BLOCK_LENGTH * entries.length).fill(PAD);
  try {
    for (const [index, secret] of secrets.entries()) fillPinBlock(pin.attempt, data.subarray(index * PIN_BLOCK_LENGTH), secret);
    const command: CommandApdu = { cla: 0x00, ins: pin.ins, p1: 0x00, p2: Number.parseInt(pin.p2, 16), data, sensitive: true };
    const statusWord =
      secrets.length === 0 ? await typeOnKeypad(channel, pin, command) : (await channel.exchange(command)).statusWord;
    checkPinAnswer(pin, statusWord);
  } finally {
    data.fill(0);
  }
}

function fillPinBlock(attempt: string, block: Uint8Array, secret: Secret): void {
  secret.use((bytes) => {
    if (bytes.length < PIN_MIN_LENGTH || bytes.length > PIN_BLOCK_LENGTH) {
      throw new PinFormatError(
        `${attempt}: an entry must be ${PIN_MIN_LENGTH} to ${PIN_BLOCK_LENGTH} characters long; nothing was sent to the card`,
      );
    }
    if (bytes.some((byte) => byte < 0x20 || byte > 0x7e)) {
      throw new PinFormatError(`${attempt}: an entry must be made of ASCII characters; nothing was sent to the card`);
    }
    block.set(bytes);
  });
}

async function typeOnKeypad(channel: CardChannel, pin: PinCommand, command: CommandApdu): Promise<number> {
  const keypad = channel.keypad;
  const encoded = encodeCommandApdu(command);
  channel.throwIfAborted();
  if (keypad && pin.ins === INS_VERIFY) return statusWordOf(pin, await keypad.verifyPin(encoded, KEYPAD_FORMAT));
  if (keypad?.modifyPin) return statusWordOf(pin, await keypad.modifyPin(encoded, KEYPAD_FORMAT));
  throw new NotSupportedByCardError(`${pin.attempt}: the reader has no keypad for this`);
}
