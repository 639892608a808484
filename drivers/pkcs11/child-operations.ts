/** What the process of a module does for kortd: each operation is a few calls into the module, and everything that comes back is doubted. */
import { blobCount, encodeTemplate, readAttributes } from './attributes.ts';
import * as ck from './constants.ts';
import type { CallTape } from './call-tape.ts';
import { isMapped, loadCryptoki, type Argument, type Cryptoki } from './cryptoki.ts';
import { ModuleFaultError, ReturnedError } from './faults.ts';
import type { CryptokiFunctionName } from './functions.ts';
import {
  STRUCTURE_BYTES,
  decodeInfo,
  decodeSlotInfo,
  decodeTokenInfo,
  encodeFields,
  encodeInitializeArgs,
  encodePssParams,
  encodeUlong,
  readUlong,
  type TokenInfo,
} from './layout.ts';
import { LaneThreads, signHere } from './lanes.ts';
import {
  MAX_MECHANISMS,
  MAX_NUMBER,
  MAX_OBJECTS,
  MAX_SLOTS,
  type Arguments,
  type MechanismChoice,
  type Operation,
  type Request,
  type Results,
} from './messages.ts';
import { checkModuleFile } from './module-file.ts';
import { shareList, signInput, takeSignatures, type Lane, type LaneFunctions } from './signing-lane.ts';

export interface Outcome {
  readonly result: Results<Operation>;
  readonly blobs?: readonly Uint8Array[];
}

/** The number of signatures made so far. */
export type OnDone = (done: number) => void;

/** A list may grow between counting and reading it; one that grows again and again is no list. */
const LIST_TRIES = 5;
const FIND_AT_ONCE = 64;
/** The longest block of the keys that kortd knows is that of RSA-4096: 512 bytes. */
const MAX_PLAIN_BYTES = 1_024;

/** Throws ReturnedError, ModuleFaultError, ModuleFileError. */
export async function perform(
  module: LoadedModule,
  request: Request,
  blobs: readonly Uint8Array[],
  onDone: OnDone,
): Promise<Outcome> {
  switch (request.operation) {
    case 'start':
      return { result: await module.start(request.arguments) };
    case 'slots':
      return { result: module.slots(request.arguments.known) };
    case 'token': {
      const token = module.token(BigInt(request.arguments.slot));
      return { result: token ? { token } : {} };
    }
    case 'event':
      return { result: { seen: module.event() } };
    case 'open':
      return { result: { session: String(module.open(request.arguments)) } };
    case 'close':
      module.call('C_CloseSession', BigInt(request.arguments.session));
      return { result: {} };
    case 'login':
      module.login(BigInt(request.arguments.session), request.arguments.user, blobs[0]);
      return { result: {} };
    case 'logout':
      module.call('C_Logout', BigInt(request.arguments.session));
      return { result: {} };
    case 'initPin':
      module.call('C_InitPIN', BigInt(request.arguments.session), blobs[0] ?? null, blobs[0]?.length ?? 0);
      return { result: {} };
    case 'setPin':
      module.setPin(BigInt(request.arguments.session), blobs);
      return { result: {} };
    case 'find':
      return module.find(request.arguments, blobs);
    case 'create':
      return { result: { object: String(module.create(request.arguments, blobs)) } };
    case 'destroy':
      module.call('C_DestroyObject', BigInt(request.arguments.session), BigInt(request.arguments.object));
      return { result: {} };
    case 'setAttributes':
      module.setAttributes(request.arguments, blobs);
      return { result: {} };
    case 'generate':
      return { result: module.generate(request.arguments, blobs) };
    case 'mechanisms':
      return { result: module.mechanisms(BigInt(request.arguments.slot)) };
    case 'decrypt':
      return { result: {}, blobs: [module.decrypt(request.arguments, blobs[0] ?? new Uint8Array())] };
    case 'sign':
      return { result: {}, blobs: await module.sign(request.arguments, blobs, onDone) };
  }
}

export class LoadedModule {
  #cryptoki: Cryptoki | undefined;
  readonly #lent = new Set<unknown>();
  readonly #lanes = new LaneThreads();
  /** Of the request that is being done, while somebody wants to see its calls. */
  tape: CallTape | undefined;

  /** Checks the file, loads it, makes sure that it is this one that is in memory, and only then calls it. */
  async start({ path, sha256 }: Arguments<'start'>): Promise<Results<'start'>> {
    if (this.#cryptoki) throw new ModuleFaultError('starting a module: this process has one');
    const file = await checkModuleFile(path, sha256);
    let cryptoki: Cryptoki;
    try {
      cryptoki = loadCryptoki(file.path);
    } catch (error) {
      throw new ModuleFaultError(`loading ${path}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
    if (isMapped(file) === false) throw new ModuleFaultError(`loading ${path}: another file came into its place meanwhile`);
    this.#cryptoki = cryptoki;
    this.call('C_Initialize', encodeInitializeArgs(ck.CKF_OS_LOCKING_OK, cryptoki.numbers));
    const info = Buffer.alloc(STRUCTURE_BYTES);
    this.call('C_GetInfo', info);
    const decoded = decodeInfo(info, cryptoki.numbers);
    if (!/^[23]\./.test(decoded.cryptokiVersion))
      throw new ModuleFaultError(`loading ${path}: it speaks version ${decoded.cryptokiVersion} of PKCS #11, neither 2 nor 3`);
    return decoded;
  }

  /** Throws ReturnedError unless it answers CKR_OK. */
  call(name: CryptokiFunctionName, ...args: readonly Argument[]): void {
    const result = this.#function(name)(...args);
    if (result !== ck.CKR_OK) throw new ReturnedError(name, result);
  }

  /** Every slot; what is known of some already is not asked again, as asking may take a card's time. */
  slots(known: readonly string[]): Results<'slots'> {
    const slots = this.#slotIds().map((slot) => {
      const id = String(slot);
      if (known.includes(id)) return { id };
      const bytes = Buffer.alloc(STRUCTURE_BYTES);
      if (this.#function('C_GetSlotInfo')(slot, bytes) !== ck.CKR_OK) return { id };
      const info = decodeSlotInfo(bytes, this.#loaded.numbers);
      const token = (info.flags & ck.CKF_TOKEN_PRESENT) === 0 ? undefined : this.token(slot);
      return { id, info, ...(token ? { token } : {}) };
    });
    return { slots };
  }

  /** Undefined when none is there, or none that the module knows. */
  token(slot: bigint): TokenInfo | undefined {
    const bytes = Buffer.alloc(STRUCTURE_BYTES);
    const result = this.#function('C_GetTokenInfo')(slot, bytes);
    if (result === ck.CKR_TOKEN_NOT_PRESENT || result === ck.CKR_TOKEN_NOT_RECOGNIZED) return undefined;
    if (result !== ck.CKR_OK) throw new ReturnedError('C_GetTokenInfo', result);
    return decodeTokenInfo(bytes, this.#loaded.numbers);
  }

  event(): Results<'event'>['seen'] {
    const result = this.#function('C_WaitForSlotEvent')(ck.CKF_DONT_BLOCK, Buffer.alloc(8), null);
    if (result === ck.CKR_OK) return 'change';
    return result === ck.CKR_NO_EVENT ? 'nothing' : 'unsupported';
  }

  open({ slot, isReadOnly }: Arguments<'open'>): bigint {
    const flags = ck.CKF_SERIAL_SESSION | (isReadOnly ? 0 : ck.CKF_RW_SESSION);
    const session = Buffer.alloc(8);
    this.call('C_OpenSession', BigInt(slot), flags, null, null, session);
    return readUlong(session, this.#loaded.numbers);
  }

  /** Without a PIN it is typed on the reader (CKF_PROTECTED_AUTHENTICATION_PATH). */
  login(session: bigint, user: number, pin: Uint8Array | undefined): void {
    this.call('C_Login', session, user, pin ?? null, pin?.length ?? 0);
  }

  setPin(session: bigint, [old, next]: readonly Uint8Array[]): void {
    this.call('C_SetPIN', session, old ?? null, old?.length ?? 0, next ?? null, next?.length ?? 0);
  }

  find({ session, match, read }: Arguments<'find'>, blobs: readonly Uint8Array[]): Outcome {
    const handles = this.#findHandles(BigInt(session), match, blobs);
    const found: Uint8Array[] = [];
    const objects = handles.map((handle) => {
      const values = read.length === 0 ? [] : readAttributes(this.#loaded, BigInt(session), handle, read);
      return {
        handle: String(handle),
        values: values.map((value) => {
          if (value === null || typeof value === 'number') return value;
          found.push(value);
          return true as const;
        }),
      };
    });
    return { result: { objects }, blobs: found };
  }

  create({ session, template }: Arguments<'create'>, blobs: readonly Uint8Array[]): bigint {
    const encoded = encodeTemplate(this.#loaded, template, blobs);
    const object = Buffer.alloc(8);
    this.#lend(encoded.values, () => this.call('C_CreateObject', BigInt(session), encoded.bytes, encoded.count, object));
    return readUlong(object, this.#loaded.numbers);
  }

  setAttributes({ session, object, template }: Arguments<'setAttributes'>, blobs: readonly Uint8Array[]): void {
    const encoded = encodeTemplate(this.#loaded, template, blobs);
    this.#lend(encoded.values, () =>
      this.call('C_SetAttributeValue', BigInt(session), BigInt(object), encoded.bytes, encoded.count),
    );
  }

  generate(
    { session, mechanism, publicTemplate, privateTemplate }: Arguments<'generate'>,
    blobs: readonly Uint8Array[],
  ): Results<'generate'> {
    const ofPublic = blobCount(publicTemplate);
    const publicHalf = encodeTemplate(this.#loaded, publicTemplate, blobs.slice(0, ofPublic));
    const privateHalf = encodeTemplate(this.#loaded, privateTemplate, blobs.slice(ofPublic));
    const [publicKey, privateKey] = [Buffer.alloc(8), Buffer.alloc(8)];
    this.#lend([...publicHalf.values, ...privateHalf.values], () =>
      this.call(
        'C_GenerateKeyPair',
        BigInt(session),
        encodeFields([{ type: mechanism, address: 0n, length: 0 }], this.#loaded.numbers),
        publicHalf.bytes,
        publicHalf.count,
        privateHalf.bytes,
        privateHalf.count,
        publicKey,
        privateKey,
      ),
    );
    const { numbers } = this.#loaded;
    return { publicKey: String(readUlong(publicKey, numbers)), privateKey: String(readUlong(privateKey, numbers)) };
  }

  /** Those of vendors, beyond 32 bits, are left out. */
  mechanisms(slot: bigint): Results<'mechanisms'> {
    const { numbers } = this.#loaded;
    const list = Buffer.alloc(MAX_MECHANISMS * numbers.ulongBytes);
    const count = encodeUlong(MAX_MECHANISMS, numbers);
    this.call('C_GetMechanismList', slot, list, count);
    const written = readUlong(count, numbers);
    if (written > BigInt(MAX_MECHANISMS)) throw new ModuleFaultError(`C_GetMechanismList gave ${written} mechanisms`);
    const all = Array.from({ length: Number(written) }, (_, index) => readUlong(list, numbers, index * numbers.ulongBytes));
    const types = all.filter((type) => type <= 0xffff_ffffn).map(Number);
    const ofPairs = [ck.CKM_RSA_PKCS_KEY_PAIR_GEN, ck.CKM_EC_KEY_PAIR_GEN].filter((type) => types.includes(type));
    return { types, made: ofPairs.map((type) => ({ type, ...this.#keySizes(slot, type) })) };
  }

  decrypt({ session, key, mechanism }: Arguments<'decrypt'>, cryptogram: Uint8Array): Uint8Array {
    const { numbers } = this.#loaded;
    const plain = Buffer.alloc(MAX_PLAIN_BYTES);
    const length = encodeUlong(plain.length, numbers);
    this.call('C_DecryptInit', BigInt(session), this.#encodeMechanism({ type: mechanism }).bytes, BigInt(key));
    this.call('C_Decrypt', BigInt(session), cryptogram, cryptogram.length, plain, length);
    const written = readUlong(length, numbers);
    if (written > BigInt(plain.length)) throw new ModuleFaultError(`C_Decrypt gave ${written} bytes where ${plain.length} fit`);
    return plain.subarray(0, Number(written));
  }

  /** Each lane is a session with the key's handle in it. Signatures are in the order of the digests. */
  async sign(
    { lanes, mechanism, authenticate }: Arguments<'sign'>,
    blobs: readonly Uint8Array[],
    onDone: OnDone,
  ): Promise<readonly Uint8Array[]> {
    const pin = authenticate === 'pin' ? blobs.at(-1) : undefined;
    const inputs = authenticate === 'pin' ? blobs.slice(0, -1) : blobs;
    const encoded = this.#encodeMechanism(mechanism);
    const [own, ...others] = lanes.map(({ session, key }) => ({
      session: BigInt(session),
      key: BigInt(key),
      mechanism: encoded.bytes,
    }));
    if (!own) throw new ModuleFaultError('signing: there is no session');
    const { numbers } = this.#loaded;
    const beforeSigning = authenticate === 'no' ? undefined : () => this.login(own.session, ck.CKU_CONTEXT_SPECIFIC, pin);
    const functions = { signInit: this.#function('C_SignInit'), sign: this.#function('C_Sign'), numbers, beforeSigning };
    this.#lent.add(encoded);
    try {
      const [first] = inputs;
      // Memory that is shared costs one alone more than it is worth.
      if (first && inputs.length === 1) return [signInput(functions, own, first)];
      // A key that wants its PIN each time has one lane alone: what was verified is of the whole token. So has one whose calls are looked at: all are made here.
      const isAlone = authenticate !== 'no' || this.tape !== undefined;
      return await this.#signInLanes(functions, [own, ...(isAlone ? [] : others)], { inputs, onDone });
    } finally {
      this.#lent.delete(encoded);
    }
  }

  async #signInLanes(
    functions: LaneFunctions,
    [own, ...others]: readonly [Lane, ...Lane[]],
    { inputs, onDone }: { readonly inputs: readonly Uint8Array[]; readonly onDone: OnDone },
  ): Promise<readonly Uint8Array[]> {
    const list = shareList(inputs);
    const { pointerTo } = this.#loaded;
    const addresses = { signInit: pointerTo('C_SignInit'), sign: pointerTo('C_Sign') };
    const threads = this.#lanes.start(others.map((lane) => ({ list, lane, addresses })));
    const mine = signHere(functions, own, list, onDone);
    const failed = (await Promise.allSettled([mine, ...threads])).find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
    return takeSignatures(list);
  }

  /** Memory that a structure points to is not seen to be in use: it is held until the call is over. */
  #lend(memory: readonly (Uint8Array | undefined)[], call: () => void): void {
    this.#lent.add(memory);
    try {
      call();
    } finally {
      this.#lent.delete(memory);
    }
  }

  get #loaded(): Cryptoki {
    if (!this.#cryptoki) throw new ModuleFaultError('using a module: none was started');
    return this.tape?.watch(this.#cryptoki) ?? this.#cryptoki;
  }

  #function(name: CryptokiFunctionName): ReturnType<Cryptoki['of']> {
    try {
      return this.#loaded.of(name);
    } catch (error) {
      throw new ModuleFaultError(error instanceof Error ? error.message : String(error), { cause: error });
    }
  }

  #slotIds(): readonly bigint[] {
    const { numbers } = this.#loaded;
    const getSlots = this.#function('C_GetSlotList');
    for (let attempt = 0; attempt < LIST_TRIES; attempt++) {
      const count = Buffer.alloc(8);
      this.call('C_GetSlotList', 0, null, count);
      const room = readUlong(count, numbers);
      if (room > BigInt(MAX_SLOTS)) throw new ModuleFaultError(`C_GetSlotList counted ${room} slots`);
      const list = Buffer.alloc(Math.max(1, Number(room)) * numbers.ulongBytes);
      const result = getSlots(0, list, count);
      if (result === ck.CKR_BUFFER_TOO_SMALL) continue;
      if (result !== ck.CKR_OK) throw new ReturnedError('C_GetSlotList', result);
      const written = readUlong(count, numbers);
      if (written > room) throw new ModuleFaultError(`C_GetSlotList gave ${written} slots where ${room} fit`);
      return Array.from({ length: Number(written) }, (_, index) => readUlong(list, numbers, index * numbers.ulongBytes));
    }
    throw new ModuleFaultError(`C_GetSlotList grew ${LIST_TRIES} times while it was read`);
  }

  /** CK_MECHANISM_INFO: the smallest key, the largest, and flags (Base Specification, section 3.5). */
  #keySizes(slot: bigint, type: number): { readonly min: number; readonly max: number } {
    const { numbers } = this.#loaded;
    const info = Buffer.alloc(STRUCTURE_BYTES);
    if (this.#function('C_GetMechanismInfo')(slot, type, info) !== ck.CKR_OK) return { min: 0, max: 0 };
    const [min, max] = [0, numbers.ulongBytes].map((offset) => Math.min(Number(readUlong(info, numbers, offset)), MAX_NUMBER));
    return { min: min ?? 0, max: max ?? 0 };
  }

  #findHandles(session: bigint, match: Arguments<'find'>['match'], blobs: readonly Uint8Array[]): readonly bigint[] {
    const { numbers } = this.#loaded;
    const template = encodeTemplate(this.#loaded, match, blobs);
    this.#lend(template.values, () => this.call('C_FindObjectsInit', session, template.bytes, template.count));
    const handles: bigint[] = [];
    try {
      for (;;) {
        const [list, count] = [Buffer.alloc(FIND_AT_ONCE * numbers.ulongBytes), Buffer.alloc(8)];
        this.call('C_FindObjects', session, list, FIND_AT_ONCE, count);
        const found = readUlong(count, numbers);
        if (found > BigInt(FIND_AT_ONCE))
          throw new ModuleFaultError(`C_FindObjects gave ${found} objects where ${FIND_AT_ONCE} fit`);
        for (let index = 0; index < Number(found); index++) handles.push(readUlong(list, numbers, index * numbers.ulongBytes));
        if (found === 0n) return handles;
        if (handles.length > MAX_OBJECTS) throw new ModuleFaultError(`C_FindObjects gave more than ${MAX_OBJECTS} objects`);
      }
    } finally {
      this.#function('C_FindObjectsFinal')(session);
    }
  }

  #encodeMechanism({ type, pss }: MechanismChoice): { readonly bytes: Buffer; readonly parameter: Buffer | undefined } {
    const { numbers, addressOf } = this.#loaded;
    const parameter = pss && encodePssParams(pss.hash, pss.mgf, pss.saltLength, numbers);
    const address = parameter ? addressOf(parameter) : 0n;
    return { bytes: encodeFields([{ type, address, length: parameter?.length ?? 0 }], numbers), parameter };
  }
}
