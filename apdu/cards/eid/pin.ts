/**
 * PINs and PUKs of the card: status, VERIFY, CHANGE REFERENCE DATA, RESET RETRY COUNTER (ISO/IEC 7816-4:2020, sections 11.6.6, 11.6.7 and 11.6.10), in the
 * form that the card's own directory gives for each.
 */
import type { KeypadPinFormat } from '../../card-connection.ts';
import { concat } from '../../bytes.ts';
import { NotSupportedByCardError, PinFormatError } from '../../errors.ts';
import { encodeCommandApdu, type CommandApdu } from '../../iso7816/command-apdu.ts';
import { SW_AUTHENTICATION_METHOD_BLOCKED, SW_SUCCESS, counterOf } from '../../iso7816/status-word.ts';
import { checkPinAnswer, statusWordOf } from '../../pin-answer.ts';
import type { Secret } from '../../secret.ts';
import type { PinEntry, PinStatus } from '../../token.ts';
import type { PinObject } from './authentication-objects.ts';
import type { CardFiles } from './files.ts';
import { blockLengthOf, fillPinBlock } from './pin-block.ts';

const INS_VERIFY = 0x20;
const INS_CHANGE_REFERENCE_DATA = 0x24;
const INS_RESET_RETRY_COUNTER = 0x2c;

/** What stays the same of a PIN. `puk` is the one that unblocks it. */
export function describePin(pin: PinObject, puk: PinObject | undefined): Omit<PinStatus, 'verified'> {
  const { reference, kind, minLength, maxLength } = pin;
  const label = pin.label === '' ? `${kind === 'puk' ? 'PUK' : 'PIN'} ${reference}` : pin.label;
  return { reference, kind, label, minLength, maxLength, ...(puk ? { unblockedBy: puk.reference } : {}) };
}

/** The PUK of a PIN: the one that it names, else the only one there is. */
export function findPuk(pins: readonly PinObject[], pin: PinObject): PinObject | undefined {
  if (pin.kind === 'puk' || !pin.canUnblock) return undefined;
  const puks = pins.filter(({ kind }) => kind === 'puk');
  const named = pins.find(
    ({ authenticationId }) => authenticationId === pin.pukAuthenticationId && authenticationId !== pin.authenticationId,
  );
  return named ?? (puks.length === 1 ? puks[0] : undefined);
}

/** Asks for the state of a PIN without using a try. A card that answers in a way of its own leaves the tries unknown. */
export async function readPinStatus(files: CardFiles, pin: PinObject, puk: PinObject | undefined): Promise<PinStatus> {
  const description = describePin(pin, puk);
  await enterDirectoryOf(files, pin);
  const response = await files.channel.exchange({ cla: 0x00, ins: INS_VERIFY, p1: 0x00, p2: pin.verifyReference });
  if (response.statusWord === SW_SUCCESS) return { ...description, verified: true };
  if (response.statusWord === SW_AUTHENTICATION_METHOD_BLOCKED) return { ...description, verified: false, attemptsRemaining: 0 };
  const attemptsRemaining = counterOf(response.statusWord);
  return { ...description, verified: false, ...(attemptsRemaining === undefined ? {} : { attemptsRemaining }) };
}

export async function verifyPin(files: CardFiles, pin: PinObject, entry: PinEntry): Promise<void> {
  const attempt = `verifying PIN ${pin.reference}`;
  if (pin.kind === 'puk') throw new NotSupportedByCardError(`${attempt}: it is a PUK, which only unblocks a PIN`);
  await sendPins(files, { attempt, ins: INS_VERIFY, pin }, [{ form: pin, entry }]);
}

export async function changePin(files: CardFiles, pin: PinObject, current: PinEntry, next: PinEntry): Promise<void> {
  const attempt = pin.kind === 'puk' ? `changing PUK ${pin.reference}` : `changing PIN ${pin.reference}`;
  if (!pin.canChange) throw new NotSupportedByCardError(`${attempt}: the card does not let it be changed`);
  await sendPins(files, { attempt, ins: INS_CHANGE_REFERENCE_DATA, pin }, [
    { form: pin, entry: current },
    { form: pin, entry: next },
  ]);
}

/** A wrong PUK is reported with the tries that the PUK has left. */
export async function unblockPin(
  files: CardFiles,
  pin: PinObject,
  puk: PinObject | undefined,
  entries: { readonly puk: PinEntry; readonly next: PinEntry },
): Promise<void> {
  const attempt = `unblocking PIN ${pin.reference}`;
  if (!puk) throw new NotSupportedByCardError(`${attempt}: the card has nothing to unblock it with`);
  await sendPins(files, { attempt, ins: INS_RESET_RETRY_COUNTER, pin }, [
    { form: puk, entry: entries.puk },
    { form: pin, entry: entries.next },
  ]);
}

interface PinCommand {
  readonly attempt: string;
  readonly ins: number;
  /** Whose reference the command carries. */
  readonly pin: PinObject;
}

interface FormedEntry {
  readonly form: PinObject;
  readonly entry: PinEntry;
}

async function enterDirectoryOf(files: CardFiles, pin: PinObject): Promise<void> {
  await files.enter(pin.directory ?? '');
}

async function sendPins(files: CardFiles, command: PinCommand, entries: readonly FormedEntry[]): Promise<void> {
  const { attempt } = command;
  if (entries.some(({ form }) => form.needsSecureMessaging))
    throw new NotSupportedByCardError(`${attempt}: the card takes it inside secure messaging only`);
  const secrets = entries.flatMap(({ form, entry }) => (entry === 'keypad' ? [] : [{ form, secret: entry }]));
  if (secrets.length > 0 && secrets.length < entries.length)
    throw new PinFormatError(`${attempt}: either every entry comes from the keypad, or none`);
  checkPinAnswer(
    command,
    secrets.length > 0 ? await sendSecrets(files, command, secrets) : await typeOnKeypad(files, command, entries),
  );
}

async function sendSecrets(
  files: CardFiles,
  command: PinCommand,
  secrets: readonly { readonly form: PinObject; readonly secret: Secret }[],
): Promise<number> {
  const blocks: Uint8Array[] = [];
  let data: Uint8Array = new Uint8Array();
  try {
    for (const { form, secret } of secrets) {
      const block = new Uint8Array(blockLengthOf(form, secret.lengthBytes));
      blocks.push(block);
      fillPinBlock(command.attempt, form, block, secret);
    }
    data = concat(...blocks);
    await enterDirectoryOf(files, command.pin);
    return (await files.channel.exchange(commandOf(command, data))).statusWord;
  } finally {
    for (const bytes of [...blocks, data]) bytes.fill(0);
  }
}

/** The old value and the new one in the data field (P1 00). */
function commandOf({ ins, pin }: PinCommand, data: Uint8Array): CommandApdu {
  return { cla: 0x00, ins, p1: 0x00, p2: pin.verifyReference, data, sensitive: true };
}

async function typeOnKeypad(files: CardFiles, command: PinCommand, entries: readonly FormedEntry[]): Promise<number> {
  const { attempt, ins } = command;
  const { keypad } = files.channel;
  const { format, blank } = keypadForm(attempt, entries);
  await enterDirectoryOf(files, command.pin);
  const encoded = encodeCommandApdu(commandOf(command, blank));
  files.channel.throwIfAborted();
  if (keypad && ins === INS_VERIFY) return statusWordOf(command, await keypad.verifyPin(encoded, format));
  if (keypad?.modifyPin) return statusWordOf(command, await keypad.modifyPin(encoded, format));
  throw new NotSupportedByCardError(`${attempt}: the reader has no keypad for this`);
}

/** What a keypad is told: characters as they are, from the left, into blocks of one length that stand there filled with padding. */
function keypadForm(
  attempt: string,
  entries: readonly FormedEntry[],
): { readonly format: KeypadPinFormat; readonly blank: Uint8Array } {
  const blocks = entries.map(({ form }) => {
    const isFixed = form.blockLengthBytes !== undefined || form.minLength === form.maxLength;
    if (!isFixed || form.encoding !== 'ascii')
      throw new NotSupportedByCardError(`${attempt}: the reader's keypad cannot write a PIN in the form that this card takes`);
    return new Uint8Array(blockLengthOf(form, form.maxLength)).fill(form.pad);
  });
  const lengths = new Set(blocks.map(({ length }) => length));
  const [blockLengthBytes = 0] = lengths;
  if (lengths.size > 1)
    throw new NotSupportedByCardError(`${attempt}: the reader's keypad cannot write PINs of two lengths into one command`);
  return {
    format: {
      minLength: Math.min(...entries.map(({ form }) => form.minLength)),
      maxLength: Math.max(...entries.map(({ form }) => form.maxLength)),
      blockLengthBytes,
    },
    blank: concat(...blocks),
  };
}
