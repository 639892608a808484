/**
 * The one place that calls into a vendor's PKCS #11 module, through koffi. No logic: arguments go in, CK_RV comes back. Runs in the child process alone: a
 * module that crashes takes its process with it. Structures are in layout.ts.
 */
import { readFileSync } from 'node:fs';
import koffi from 'koffi';
import { FUNCTIONS, type CryptokiFunctionName } from './functions.ts';

/** Sizes on this system. */
export interface CryptokiNumbers {
  readonly ulongBytes: 4 | 8;
  readonly pointerBytes: 4 | 8;
  /** Structures have no gaps: so on Windows (Base Specification, section 2.1). */
  readonly isPacked: boolean;
}

export type Argument = bigint | number | Uint8Array | null;

/** A function of the module: CK_RV. */
export type CryptokiFunction = (...args: readonly Argument[]) => number;

export interface Cryptoki {
  readonly numbers: CryptokiNumbers;
  /** Throws Error for a function that the module's list has not: its entry is NULL. */
  readonly of: (name: CryptokiFunctionName) => CryptokiFunction;
  /** Where it is, for another thread of this process. Throws as `of` does. */
  readonly pointerTo: (name: CryptokiFunctionName) => bigint;
  /** Of memory that the caller keeps. */
  readonly addressOf: (bytes: Uint8Array) => bigint;
}

const TYPES = { B: 'uint8_t', P: 'void *', U: 'unsigned long' } as const;

/** For good: koffi unloads a library that nobody holds, whatever was taken out of it by its address. */
const loaded: ReturnType<typeof koffi.load>[] = [];

/** Loads the library with its own idea of every name first: Node itself has OpenSSL's. Throws Error when it is no module. */
export function loadCryptoki(path: string): Cryptoki {
  const library = koffi.load(path, { deep: true });
  loaded.push(library);
  const numbers = numbersHere();
  const getList = library.func('C_GetFunctionList', 'unsigned long', ['void *']) as (list: Uint8Array) => number;
  const place = Buffer.alloc(8);
  const result = getList(place);
  if (result !== 0) throw new Error(`C_GetFunctionList answered ${result}`);
  const address = place.readBigUInt64LE();
  if (address === 0n) throw new Error('C_GetFunctionList gave no list');
  const first = numbers.isPacked ? 2 : numbers.pointerBytes; // after CK_VERSION
  const list = Buffer.from(koffi.view(address, first + FUNCTIONS.length * numbers.pointerBytes));
  const pointerTo = (name: CryptokiFunctionName): bigint => {
    const offset = first + FUNCTIONS.findIndex(([entry]) => entry === name) * numbers.pointerBytes;
    const at = numbers.pointerBytes === 8 ? list.readBigUInt64LE(offset) : BigInt(list.readUInt32LE(offset));
    if (at === 0n) throw new Error(`the module has no ${name}`);
    return at;
  };
  const bound = new Map<string, CryptokiFunction>();
  return {
    numbers,
    pointerTo,
    addressOf: (bytes) => koffi.address(bytes),
    of(name) {
      const known = bound.get(name);
      if (known) return known;
      const made = bindFunction(name, pointerTo(name));
      bound.set(name, made);
      return made;
    },
  };
}

/** Files that are mapped into this process, by device and inode as /proc/self/maps writes them (proc(5)). Undefined where there is no such file. */
export function isMapped(file: { readonly dev: bigint; readonly ino: bigint }): boolean | undefined {
  if (process.platform !== 'linux') return undefined;
  const major = ((file.dev >> 8n) & 0xfffn).toString(16).padStart(2, '0');
  const minor = ((file.dev & 0xffn) | ((file.dev >> 12n) & 0xffff_ff00n)).toString(16).padStart(2, '0');
  return readFileSync('/proc/self/maps', 'latin1').includes(` ${major}:${minor} ${file.ino} `);
}

/** For a further thread, before its first call: koffi 3.3.4 is ready in a thread once it has loaded something there, and a call before ends in SIGSEGV. */
export function prepareThread(): void {
  loaded.push(koffi.load(null));
}

/** A function that a module of this process has at this address. */
export function bindFunction(name: CryptokiFunctionName, address: bigint): CryptokiFunction {
  const [, signature = ''] = FUNCTIONS.find(([entry]) => entry === name) ?? [];
  const prototype = koffi.proto(
    'unsigned long',
    Array.from(signature).map((letter) => TYPES[letter as keyof typeof TYPES]),
  );
  const native = koffi.decode(address, prototype) as (...args: readonly Argument[]) => number | bigint;
  return (...args) => Number(native(...args));
}

export function numbersHere(): CryptokiNumbers {
  return {
    ulongBytes: koffi.sizeof('unsigned long') === 8 ? 8 : 4,
    pointerBytes: koffi.sizeof('void *') === 8 ? 8 : 4,
    isPacked: process.platform === 'win32',
  };
}
