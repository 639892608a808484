/**
 * Calls into a module, noted while a trace wants them: which function, by which mechanism, how much went in and came out, what it answered, how long it took. Numbers
 * alone: nothing that a pointer leads to is looked at but lengths and the mechanism's type, and of PINs not even the length.
 */
import { CKR_OK } from './constants.ts';
import type { Argument, Cryptoki, CryptokiFunction, CryptokiNumbers } from './cryptoki.ts';
import type { CryptokiFunctionName } from './functions.ts';
import { readUlong } from './layout.ts';
import { MAX_CALLS, MAX_NUMBER, type ModuleCall } from './messages.ts';

/** Places among the function's arguments. Sorted by name. */
interface Places {
  /** Of numbers of attributes. */
  readonly attributes?: readonly number[];
  readonly bytesIn?: number;
  /** Of where the module writes a length. */
  readonly bytesOut?: number;
  /** Of where it writes a count. */
  readonly found?: number;
  /** Of a CK_MECHANISM. */
  readonly mechanism?: number;
}

const PLACES: { readonly [N in CryptokiFunctionName]?: Places } = {
  C_CreateObject: { attributes: [2] },
  C_Decrypt: { bytesIn: 2, bytesOut: 4 },
  C_DecryptInit: { mechanism: 1 },
  C_FindObjects: { found: 3 },
  C_FindObjectsInit: { attributes: [2] },
  C_GenerateKeyPair: { attributes: [3, 5], mechanism: 1 },
  C_GetAttributeValue: { attributes: [3] },
  C_GetMechanismList: { found: 2 },
  C_GetSlotList: { found: 2 },
  C_SetAttributeValue: { attributes: [3] },
  C_Sign: { bytesIn: 2, bytesOut: 4 },
  C_SignInit: { mechanism: 1 },
};

export class CallTape {
  readonly #calls: ModuleCall[] = [];

  /** Those of one request; the first MAX_CALLS of them. */
  get calls(): readonly ModuleCall[] {
    return this.#calls;
  }

  /** The same module, whose calls are noted. */
  watch(cryptoki: Cryptoki): Cryptoki {
    return { ...cryptoki, of: (name) => this.#noting(name, cryptoki.of(name), cryptoki.numbers) };
  }

  #noting(name: CryptokiFunctionName, call: CryptokiFunction, numbers: CryptokiNumbers): CryptokiFunction {
    return (...args) => {
      const began = performance.now();
      const value = call(...args);
      if (this.#calls.length < MAX_CALLS) {
        const durationMs = Math.round(performance.now() - began);
        this.#calls.push({ function: name, value, durationMs, ...sizesOf(PLACES[name] ?? {}, args, { value, numbers }) });
      }
      return value;
    };
  }
}

function sizesOf(
  { attributes, bytesIn, bytesOut, found, mechanism }: Places,
  args: readonly Argument[],
  { value, numbers }: { readonly value: number; readonly numbers: CryptokiNumbers },
): Partial<ModuleCall> {
  const given = (place: number): number => Number(args[place] ?? 0);
  const written = (place: number): number | undefined => {
    const memory = args[place];
    const read = memory instanceof Uint8Array ? Number(readUlong(Buffer.from(memory), numbers)) : undefined;
    return read !== undefined && read <= MAX_NUMBER ? read : undefined;
  };
  const told = (name: keyof ModuleCall, number: number | undefined): object => (number === undefined ? {} : { [name]: number });
  const isDone = value === CKR_OK;
  return {
    ...(mechanism === undefined ? {} : told('mechanism', written(mechanism))),
    ...(attributes === undefined ? {} : { attributes: attributes.reduce((sum, place) => sum + given(place), 0) }),
    ...(bytesIn === undefined ? {} : { bytesIn: given(bytesIn) }),
    ...(bytesOut === undefined || !isDone ? {} : told('bytesOut', written(bytesOut))),
    ...(found === undefined || !isDone ? {} : told('found', written(found))),
  };
}
