/** A keypad on a simulated reader: a script types, the keypad completes the command as PC/SC part 10, section 2.5, lets a reader do. */
import type { KeypadPinFormat, PinKeypad } from '../../apdu/card-connection.ts';
import { DeviceCancelledError, DeviceError, DeviceTimeoutError } from '../errors.ts';

/** What the keypad's display asks for. */
export interface KeypadPrompt {
  readonly asks: 'pin' | 'newPin' | 'newPinAgain';
  readonly minLength: number;
  readonly maxLength: number;
  /** INS of the command that is to be completed. */
  readonly instruction: number;
}

/** Types digits, or presses cancel, or lets the time run out. */
export type KeypadScript = (prompt: KeypadPrompt) => string | Promise<string>;

/** PC/SC part 10 v2.02.09, section 2.5: what a reader answers instead of the card. */
const DRIVER_CODES = { timeout: '6400', cancel: '6401', mismatch: '6402', badLength: '6403' } as const;
/** Data of a short command follow the header and Lc. */
const DATA_OFFSET = 5;

/** `transmit` carries the completed command; it never leaves the reader otherwise. */
export function createKeypad(
  readerName: string,
  script: KeypadScript,
  transmit: (command: Uint8Array) => Promise<Uint8Array>,
): PinKeypad {
  const type = async (asks: KeypadPrompt['asks'], command: Uint8Array, format: KeypadPinFormat): Promise<string> => {
    const { minLength, maxLength } = format;
    const typed = await script({ asks, minLength, maxLength, instruction: command[1] ?? 0 });
    if (typed === 'cancel')
      throw new DeviceCancelledError('entering a PIN on the keypad: cancelled', {
        device: readerName,
        driverCode: DRIVER_CODES.cancel,
      });
    if (typed === 'timeout')
      throw new DeviceTimeoutError('entering a PIN on the keypad: nobody typed', {
        device: readerName,
        driverCode: DRIVER_CODES.timeout,
      });
    if (!/^\d*$/.test(typed)) throw new RangeError('scripting a keypad: it has digits, cancel and timeout only');
    if (typed.length >= minLength && typed.length <= maxLength) return typed;
    throw new DeviceError('entering a PIN on the keypad: too few or too many digits', {
      device: readerName,
      driverCode: DRIVER_CODES.badLength,
    });
  };
  return {
    verifyPin: async (command, format) => {
      const pin = await type('pin', command, format);
      return await transmit(fillBlocks(command, format, [pin]));
    },
    modifyPin: async (command, format) => {
      const current = await type('pin', command, format);
      const next = await type('newPin', command, format);
      const again = await type('newPinAgain', command, format);
      if (next !== again) {
        throw new DeviceError('entering a PIN on the keypad: the new PINs differ', {
          device: readerName,
          driverCode: DRIVER_CODES.mismatch,
        });
      }
      return await transmit(fillBlocks(command, format, [current, next]));
    },
  };
}

/** Puts the digits over the padding, from the left of each block. */
function fillBlocks(command: Uint8Array, format: KeypadPinFormat, pins: readonly string[]): Uint8Array {
  const filled = command.slice();
  for (const [index, pin] of pins.entries()) {
    const offset = DATA_OFFSET + index * format.blockLengthBytes;
    if (pin.length > format.blockLengthBytes || offset + format.blockLengthBytes > filled.length) {
      throw new RangeError(`completing a command: ${filled.length} bytes have no room for ${pins.length} PIN blocks`);
    }
    filled.set(new TextEncoder().encode(pin), offset);
  }
  return filled;
}
