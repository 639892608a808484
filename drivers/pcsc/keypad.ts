/**
 * PIN entry on a reader's keypad over SCardControl (PC/SC part 10 v2.02.09, section 2.5). The PIN never reaches this process.
 * The card's transaction stays open while the person types: the reader gives up by itself after KEYPAD_TIMEOUT_S without a key.
 */
import type { KeypadPinFormat, PinKeypad } from '../../apdu/card-connection.ts';
import { formatStatusWord } from '../../apdu/iso7816/status-word.ts';
import { DeviceCancelledError, DeviceError, DeviceProtocolError, DeviceTimeoutError } from '../errors.ts';
import { KEYPAD_TIMEOUT_S, encodePinModify, encodePinVerify } from './pin-structures.ts';
import type { ReaderFeatures } from './reader-features.ts';

export interface KeypadPort {
  readonly reader: string;
  readonly languageId: number;
  /** SCardControl within the connection's transaction; rejects with a DeviceError. */
  control(code: number, input: Uint8Array): Promise<Uint8Array>;
}

/** Undefined for a reader that cannot verify a PIN. */
export function createKeypad(port: KeypadPort, features: ReaderFeatures): PinKeypad | undefined {
  const { verifyPinDirect, modifyPinDirect } = features;
  if (verifyPinDirect === undefined) return undefined;
  const { languageId } = port;
  const send = async (code: number, structure: Uint8Array): Promise<Uint8Array> =>
    checkAnswer(port.reader, await port.control(code, structure));
  return {
    verifyPin: async (command: Uint8Array, format: KeypadPinFormat) =>
      send(verifyPinDirect, encodePinVerify({ command, format, languageId })),
    ...(modifyPinDirect === undefined
      ? {}
      : {
          modifyPin: async (command: Uint8Array, format: KeypadPinFormat) =>
            send(modifyPinDirect, encodePinModify({ command, format, languageId })),
        }),
  };
}

/** Answers of the reader itself (part 10, section 2.5.4.1); every other status word is the card's. */
function checkAnswer(reader: string, answer: Uint8Array): Uint8Array {
  const attempt = `entering a PIN on ${reader}`;
  if (answer.length < 2)
    throw new DeviceProtocolError(`${attempt}: the reader answered ${answer.length} bytes`, { device: reader });
  const statusWord = ((answer[answer.length - 2] ?? 0) << 8) | (answer[answer.length - 1] ?? 0);
  const fields = { device: reader, driverCode: formatStatusWord(statusWord) };
  switch (answer.length === 2 ? statusWord : 0) {
    case 0x6400:
      throw new DeviceTimeoutError(`${attempt}: nobody typed in time`, { ...fields, timeoutMs: KEYPAD_TIMEOUT_S * 1000 });
    case 0x6401:
      throw new DeviceCancelledError(`${attempt}: the person pressed cancel`, fields);
    case 0x6402:
      throw new DeviceError(`${attempt}: the two new PINs differ`, fields);
    case 0x6403:
      throw new DeviceError(`${attempt}: the PIN was too short or too long`, fields);
    case 0x6b80:
      throw new DeviceProtocolError(`${attempt}: the reader refused the parameters`, fields);
    default:
      return answer;
  }
}
