/**
 * What T=0 cannot carry (ISO/IEC 7816-3:2006, section 12.2.2): data in both directions. The command comes without Le, the card answers `61XX`, and the
 * data are fetched by GET RESPONSE. Le in a command with data comes only from a reader that takes the step itself, and gets the data at once.
 */
import { concatBytes } from '../../bytes.ts';

const INS_GET_RESPONSE = 0xc0;
const SW1_BYTES_AVAILABLE = 0x61;
const MAX_PART = 256;

export class T0Responses {
  #waiting: Uint8Array | undefined;

  reset(): void {
    this.#waiting = undefined;
  }

  /** Wraps one exchange: `process` is the card below, which answers commands that no data wait for. */
  exchange(
    command: Uint8Array,
    process: (command: Uint8Array) => Uint8Array | Promise<Uint8Array>,
  ): Uint8Array | Promise<Uint8Array> {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting && isPlainGetResponse(command)) return this.#give(waiting, command[4] ?? 0);
    const response = process(command);
    if (!hasDataWithoutLe(command)) return response;
    return response instanceof Promise ? response.then((settled) => this.#hold(settled)) : this.#hold(response);
  }

  #hold(response: Uint8Array): Uint8Array {
    if (response.length <= 2) return response;
    this.#waiting = response;
    return Uint8Array.of(SW1_BYTES_AVAILABLE, available(response.length - 2));
  }

  /** The last part comes with the status word that the command had. */
  #give(response: Uint8Array, le: number): Uint8Array {
    const wanted = le === 0 ? MAX_PART : le;
    if (response.length - 2 <= wanted) return response;
    this.#waiting = response.subarray(wanted);
    return concatBytes(response.subarray(0, wanted), Uint8Array.of(SW1_BYTES_AVAILABLE, available(response.length - 2 - wanted)));
  }
}

function available(lengthBytes: number): number {
  return lengthBytes >= MAX_PART ? 0 : lengthBytes;
}

function isPlainGetResponse(command: Uint8Array): boolean {
  const [cla, ins, p1, p2] = command;
  return command.length === 5 && cla === 0 && ins === INS_GET_RESPONSE && p1 === 0 && p2 === 0;
}

/** Case 3 by its form: Lc and as many bytes. */
function hasDataWithoutLe(command: Uint8Array): boolean {
  const lc = command[4] ?? 0;
  return lc !== 0 && command.length === 5 + lc;
}
