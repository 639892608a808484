/**
 * PKCS #11 for one client (v2.40 and v3.0, section 5): its sessions, its login, and what it does with the objects of the tokens. Every function takes what the wire
 * brought and gives what goes back; what cards do is asked of the desk.
 */
import { createHash, randomBytes } from 'node:crypto';
import { Secret } from '../../apdu/secret.ts';
import * as ck from '../constants.ts';
import type { KeyAlgorithm, RsaKeyAlgorithm, SigningKey } from '../../apdu/token.ts';
import type { SlotReading, TokenDesk, TokenInUse, TokenSlot } from '../desk.ts';
import { CkError, valueOf } from '../errors.ts';
import type { Answer, BytesAnswer } from '../rpc/arguments.ts';
import { lengthOf, type AttributeAnswer, type AttributeQuery } from '../rpc/attributes.ts';
import { HANDSHAKE, type CallName, type Dialect } from '../rpc/calls.ts';
import type { RpcApplication } from '../rpc/connection.ts';
import type { RpcCall } from '../rpc/message.ts';
import {
  fitted,
  requireOperation,
  type ApplicationContext,
  type Functions,
  type KeyObject,
  type KeyUse,
  type PresentSlot,
} from './context.ts';
import { decryptFunctions } from './decrypting.ts';
import { pinFunctions } from './pins.ts';
import { padded, slotInfo, tokenInfo } from './information.ts';
import { DIGESTS, SigningInput, mechanismsOf, verifies, type ToBeSigned } from './mechanisms.ts';
import { matches, objectsOf, type TokenObject } from './objects.ts';
import { Sessions, endSign, type Session, type SignOperation } from './sessions.ts';

/** Firefox hangs when a login without a PIN is answered before its dialog is there: measured with 0 and 1 ms, not with 200. */
const SLOW_ANSWER_MS = 500;
const MAX_RANDOM_BYTES = 65_536;

export interface ApplicationOptions {
  readonly desk: TokenDesk;
  readonly version: { readonly major: number; readonly minor: number };
  /** Waits; for tests. */
  readonly delay: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Of a program that had sessions with an earlier core: where handles begin that are none of those. To it every token has come anew. */
  readonly resumed?: { readonly firstSession: number };
}

export class Application implements RpcApplication {
  readonly #options: ApplicationOptions;
  readonly #sessions: Sessions;
  readonly #ended = new AbortController();
  readonly #functions: Functions;
  /** Objects of a token as it was read; made anew when the card's contents are others. */
  readonly #objects = new Map<number, { readonly reading: SlotReading['contents']; readonly objects: readonly TokenObject[] }>();
  readonly #changed = new Set<number>();
  readonly #watch: Disposable;
  #onChange: (() => void)[] = [];
  #isInitialized = false;
  #dialect: Dialect = 0;

  constructor(options: ApplicationOptions) {
    this.#options = options;
    this.#sessions = new Sessions(options.resumed?.firstSession);
    if (options.resumed) for (const { id, token } of options.desk.slots()) if (token) this.#changed.add(id);
    const context = this.#context();
    this.#functions = {
      ...this.#general(),
      ...this.#ofSessions(),
      ...this.#ofObjects(),
      ...this.#ofKeys(),
      ...this.#ofDigests(),
      ...pinFunctions(context),
      ...decryptFunctions(context),
    };
    this.#watch = options.desk.watch((slotId) => this.#note(slotId));
  }

  async call(call: RpcCall, dialect: Dialect): Promise<Answer<CallName>> {
    this.#dialect = dialect;
    if (!this.#isInitialized && call.name !== 'C_Initialize')
      throw new CkError(ck.CKR_CRYPTOKI_NOT_INITIALIZED, `calling ${call.name}: before C_Initialize`);
    const work = this.#functions[call.name] as ((args: unknown) => unknown) | undefined;
    if (!work) throw new CkError(ck.CKR_FUNCTION_NOT_SUPPORTED, `calling ${call.name}: it is not there`);
    return (await work(call.args)) as Answer<CallName>;
  }

  [Symbol.dispose](): void {
    this.#isInitialized = false;
    this.#ended.abort(new CkError(ck.CKR_CRYPTOKI_NOT_INITIALIZED, 'waiting: the client has ended'));
    this.#watch[Symbol.dispose]();
    this.#sessions[Symbol.dispose]();
    this.#wake();
  }

  #general(): Functions {
    return {
      C_Initialize: ([handshake]) => {
        if (new TextDecoder().decode(handshake) !== HANDSHAKE)
          throw new CkError(ck.CKR_GENERAL_ERROR, 'initialising: another protocol');
        if (this.#isInitialized) throw new CkError(ck.CKR_CRYPTOKI_ALREADY_INITIALIZED, 'initialising: it is done');
        this.#isInitialized = true;
        return [];
      },
      C_Finalize: () => {
        this[Symbol.dispose]();
        return [];
      },
      C_GetInfo: () => [{ major: 3, minor: 0 }, padded('kortd', 32), 0, padded('Cards of this desk', 32), this.#options.version],
      C_GetSlotList: ([tokenPresent, room]) => {
        const slots = this.#options.desk.slots().filter(({ token }) => tokenPresent === 0 || token !== undefined);
        return [
          listed(
            slots.map(({ id }) => id),
            room,
          ),
        ];
      },
      C_GetSlotInfo: ([slotId]) => slotInfo(this.#slot(slotId)),
      C_GetTokenInfo: async ([slotId]) => {
        const slot = this.#present(slotId);
        const { pin } = await this.#options.desk.read(slot, this.#ended.signal);
        return tokenInfo(slot.token, pin, {
          sessions: this.#sessions.countOf(slotId),
          canAskPin: this.#options.desk.canAskPin(),
        });
      },
      C_GetMechanismList: async ([slotId, room]) => [listed([...(await this.#mechanisms(slotId)).keys()], room)],
      C_GetMechanismInfo: async ([slotId, type]) => {
        const info = (await this.#mechanisms(slotId)).get(type);
        if (!info) throw new CkError(ck.CKR_MECHANISM_INVALID, `looking up mechanism ${type}: the token has it not`);
        return [info.min, info.max, info.flags];
      },
      C_WaitForSlotEvent: async ([flags]) => [await this.#slotEvent((flags & ck.CKF_DONT_BLOCK) === 0)],
      C_SeedRandom: ([session]) => {
        this.#session(session);
        return [];
      },
      C_GenerateRandom: ([session, wanted = 0]) => {
        this.#session(session);
        if (wanted > MAX_RANDOM_BYTES) throw new CkError(ck.CKR_ARGUMENTS_BAD, `making ${wanted} random bytes: too many at once`);
        return [{ bytes: new Uint8Array(randomBytes(wanted)) }];
      },
    };
  }

  #ofSessions(): Functions {
    return {
      C_OpenSession: ([slotId, flags]) => {
        const slot = this.#present(slotId);
        if ((flags & ck.CKF_SERIAL_SESSION) === 0)
          throw new CkError(ck.CKR_SESSION_PARALLEL_NOT_SUPPORTED, 'opening a session: it is not said to be serial');
        return [this.#sessions.open(slot, (flags & ck.CKF_RW_SESSION) !== 0).handle];
      },
      C_CloseSession: ([handle]) => {
        this.#sessions.close(this.#sessions.get(handle));
        return [];
      },
      C_CloseAllSessions: ([slotId]) => {
        this.#slot(slotId);
        this.#sessions.closeAll(slotId);
        return [];
      },
      C_GetSessionInfo: ([handle]) => {
        const { session, slot, isLoggedIn } = this.#session(handle);
        const { slotId, isReadWrite } = session;
        const isOfficer = this.#sessions.officerPinOf(slotId, slot.token.insertion) !== undefined;
        const flags = ck.CKF_SERIAL_SESSION | (isReadWrite ? ck.CKF_RW_SESSION : 0);
        return [slotId, stateOf({ isReadWrite, isLoggedIn, isOfficer }), flags, 0];
      },
      C_Login: ([handle, user, given]) => this.#login(handle, user, given),
      C_LoginUser: ([handle, user, given, name]) => {
        if (name && name.length > 0) throw new CkError(ck.CKR_ARGUMENTS_BAD, 'logging in by name: users of cards have none');
        return this.#login(handle, user, given);
      },
      C_Logout: ([handle]) => {
        const { session, slot, isLoggedIn } = this.#session(handle);
        const isOfficer = this.#sessions.officerPinOf(slot.id, slot.token.insertion) !== undefined;
        if (!isLoggedIn && !isOfficer) throw new CkError(ck.CKR_USER_NOT_LOGGED_IN, 'logging out: nobody is logged in');
        this.#sessions.logout(session.slotId);
        endSign(session);
        return [];
      },
    };
  }

  async #login(handle: number, user: number, given: Uint8Array | undefined): Promise<[]> {
    const { session, slot, isLoggedIn } = this.#session(handle);
    if (user === ck.CKU_SO) return this.#loginOfficer(slot, given);
    if (user !== ck.CKU_USER && user !== ck.CKU_CONTEXT_SPECIFIC)
      throw new CkError(ck.CKR_USER_TYPE_INVALID, `logging in as ${user}: there is no such user`);
    if (user === ck.CKU_USER) this.#requireNobody(slot, isLoggedIn);
    if (user === ck.CKU_CONTEXT_SPECIFIC && !session.sign)
      throw new CkError(ck.CKR_OPERATION_NOT_INITIALIZED, 'logging in for an operation: none was begun');
    const pin = await this.#pinFor(slot, given);
    try {
      const use = { act: 'pkcs11.login', signal: this.#ended.signal, allowsLastTry: given === undefined } as const;
      await this.#options.desk.use(slot, use, (token) => token.verifyPin(slot.token.pin, pin));
    } catch (error) {
      pin[Symbol.dispose]();
      throw error;
    }
    if (user === ck.CKU_USER) this.#sessions.login(slot.id, { insertion: slot.token.insertion, user: 'user', pin });
    else if (session.sign) replacePin(session.sign, pin);
    else pin[Symbol.dispose]();
    return [];
  }

  /** Cards do not verify a PUK by itself: it is kept for C_InitPIN, which spends it. */
  #loginOfficer(slot: PresentSlot, given: Uint8Array | undefined): [] {
    this.#requireNobody(slot, this.#sessions.pinOf(slot.id, slot.token.insertion) !== undefined);
    if (this.#sessions.countOf(slot.id).readOnly > 0)
      throw new CkError(ck.CKR_SESSION_READ_ONLY_EXISTS, 'logging in as security officer: a session is for reading only');
    if (!given) throw new CkError(ck.CKR_ARGUMENTS_BAD, 'logging in as security officer: no PUK was given');
    const login = { insertion: slot.token.insertion, user: 'officer', pin: Secret.take(given) } as const;
    this.#sessions.login(slot.id, login);
    return [];
  }

  #requireNobody(slot: PresentSlot, isLoggedIn: boolean): void {
    if (isLoggedIn) throw new CkError(ck.CKR_USER_ALREADY_LOGGED_IN, 'logging in: it is done');
    if (this.#sessions.officerPinOf(slot.id, slot.token.insertion))
      throw new CkError(ck.CKR_USER_ANOTHER_ALREADY_LOGGED_IN, 'logging in: the security officer is');
  }

  #ofObjects(): Functions {
    return {
      C_FindObjectsInit: async ([handle, template]) => {
        const { session, slot, isLoggedIn } = this.#session(handle);
        if (session.search) throw new CkError(ck.CKR_OPERATION_ACTIVE, 'beginning a search: one is under way');
        const objects = await this.#objectsOf(slot);
        session.search = objects
          .filter((object) => (isLoggedIn || !object.isPrivate) && matches(object, template))
          .map((object) => object.handle);
        return [];
      },
      C_FindObjects: ([handle, room = 0]) => {
        const { session } = this.#session(handle);
        if (!session.search) throw new CkError(ck.CKR_OPERATION_NOT_INITIALIZED, 'searching: no search was begun');
        return [{ values: session.search.splice(0, room) }];
      },
      C_FindObjectsFinal: ([handle]) => {
        const { session } = this.#session(handle);
        if (!session.search) throw new CkError(ck.CKR_OPERATION_NOT_INITIALIZED, 'ending a search: none was begun');
        delete session.search;
        return [];
      },
      C_GetAttributeValue: async ([handle, objectHandle, queries]) => {
        const object = await this.#object(handle, objectHandle);
        return answerQueries(object, queries);
      },
      C_GetObjectSize: async ([handle, objectHandle]) => {
        const { attributes } = await this.#object(handle, objectHandle);
        return [[...attributes.values()].reduce((sum, value) => sum + value.length, 0)];
      },
      C_CreateObject: ([handle]) => this.#refuseWriting(handle),
      C_CopyObject: ([handle]) => this.#refuseWriting(handle),
      C_DestroyObject: ([handle]) => this.#refuseWriting(handle),
      C_SetAttributeValue: ([handle]) => {
        this.#session(handle);
        throw new CkError(ck.CKR_ATTRIBUTE_READ_ONLY, 'changing an attribute: none can be changed');
      },
    };
  }

  #ofKeys(): Functions {
    return {
      C_SignInit: async ([handle, mechanism, keyHandle]) => {
        const { session } = this.#session(handle);
        endSign(session);
        if (!mechanism) return [];
        const object = await this.#key(handle, keyHandle, true);
        session.sign = { input: new SigningInput(mechanism, object.key.algorithm), object, hasParts: false };
        return [];
      },
      C_Sign: async ([handle, data, room]) => {
        const { session } = this.#session(handle);
        return [await this.#sign(session, { data: data ?? new Uint8Array(), room })];
      },
      C_SignUpdate: ([handle, part]) => {
        const { session } = this.#session(handle);
        const operation = requireOperation(session.sign, 'signing');
        operation.input.update(part ?? new Uint8Array());
        operation.hasParts = true;
        return [];
      },
      C_SignFinal: async ([handle, room]) => {
        const { session } = this.#session(handle);
        return [await this.#sign(session, { data: undefined, room })];
      },
      C_VerifyInit: async ([handle, mechanism, keyHandle]) => {
        const { session } = this.#session(handle);
        delete session.verify;
        if (!mechanism) return [];
        const object = await this.#key(handle, keyHandle, false);
        session.verify = { input: new SigningInput(mechanism, object.key.algorithm), object };
        return [];
      },
      C_Verify: ([handle, data, signature]) => this.#verify(handle, data ?? new Uint8Array(), signature ?? new Uint8Array()),
      C_VerifyUpdate: ([handle, part]) => {
        requireOperation(this.#session(handle).session.verify, 'verifying').input.update(part ?? new Uint8Array());
        return [];
      },
      C_VerifyFinal: ([handle, signature]) => this.#verify(handle, undefined, signature ?? new Uint8Array()),
    };
  }

  #ofDigests(): Functions {
    return {
      C_DigestInit: ([handle, mechanism]) => {
        const { session } = this.#session(handle);
        delete session.digest;
        if (!mechanism) return [];
        const name = DIGESTS.get(mechanism.type);
        if (name === undefined)
          throw new CkError(ck.CKR_MECHANISM_INVALID, `digesting: mechanism ${mechanism.type} is not known`);
        session.digest = { hash: createHash(name) };
        return [];
      },
      C_Digest: ([handle, data, room]) => [this.#digest(handle, data ?? new Uint8Array(), room)],
      C_DigestUpdate: ([handle, part]) => {
        requireOperation(this.#session(handle).session.digest, 'digesting').hash.update(part ?? new Uint8Array());
        return [];
      },
      C_DigestFinal: ([handle, room]) => [this.#digest(handle, undefined, room)],
    };
  }

  #digest(handle: number, data: Uint8Array | undefined, room: number | undefined): BytesAnswer {
    const { session } = this.#session(handle);
    const operation = requireOperation(session.digest, 'digesting');
    if (!operation.result && room !== undefined) {
      if (data) operation.hash.update(data);
      operation.result = new Uint8Array(operation.hash.digest());
    }
    const length = operation.result?.length ?? createHashLength(operation.hash);
    const answer = fitted(operation.result, length, room);
    if ('bytes' in answer) delete session.digest;
    return answer;
  }

  /** The size can be asked for first, and too little room be tried: the operation goes on. */
  async #sign(
    session: Session,
    { data, room }: { data: Uint8Array | undefined; room: number | undefined },
  ): Promise<BytesAnswer> {
    const operation = requireOperation(session.sign, 'signing');
    const length = operation.input.signatureLength;
    if (room === undefined || room < length) return { length };
    const { key } = operation.object;
    if (!key) throw new CkError(ck.CKR_KEY_HANDLE_INVALID, 'signing: it is no key');
    try {
      if (data) operation.input.update(data);
      const input = operation.input.finish();
      const use = { act: 'pkcs11.sign', session, key, pin: operation.pin } as const;
      const bytes = await this.#useKey(use, (token) => signWith(token, key, input));
      return { bytes };
    } finally {
      endSign(session);
    }
  }

  #context(): ApplicationContext {
    return {
      desk: this.#options.desk,
      sessions: this.#sessions,
      signal: this.#ended.signal,
      session: (handle) => this.#session(handle),
      key: (handle, keyHandle, isPrivate) => this.#key(handle, keyHandle, isPrivate),
      useKey: (use, work) => this.#useKey(use, work),
    };
  }

  async #useKey<R>({ act, session, key, pin: own }: KeyUse, work: (token: TokenInUse) => Promise<R>): Promise<R> {
    const { slot } = this.#session(session.handle);
    const kept = key.pinPolicy === 'always' ? undefined : this.#sessions.pinOf(slot.id, slot.token.insertion);
    const pin = key.pinPolicy === 'never' ? undefined : (own ?? kept);
    if (!pin && key.pinPolicy !== 'never') throw new CkError(ck.CKR_USER_NOT_LOGGED_IN, 'using a key: it wants its PIN');
    try {
      return await this.#options.desk.use(slot, { act, signal: this.#ended.signal }, async (token) => {
        if (pin) await token.verifyPin(key.pin, pin);
        return await work(token);
      });
    } catch (error) {
      throw this.#withoutWrongPin(slot, error);
    }
  }

  /** A PIN that has become wrong is not tried again and again. */
  #withoutWrongPin(slot: PresentSlot, error: unknown): unknown {
    const value = valueOf(error);
    if (value !== ck.CKR_PIN_INCORRECT && value !== ck.CKR_PIN_LOCKED) return error;
    this.#sessions.logout(slot.id);
    return new CkError(ck.CKR_USER_NOT_LOGGED_IN, 'using a key: the PIN of the login holds no more', { cause: error });
  }

  #verify(handle: number, data: Uint8Array | undefined, signature: Uint8Array): [] {
    const { session } = this.#session(handle);
    const { input, object } = requireOperation(session.verify, 'verifying');
    delete session.verify;
    if (data) input.update(data);
    if (signature.length !== input.signatureLength)
      throw new CkError(ck.CKR_SIGNATURE_LEN_RANGE, 'verifying: it has another length');
    if (object.publicKey && verifies(input, object.publicKey, signature)) return [];
    throw new CkError(ck.CKR_SIGNATURE_INVALID, 'verifying: the signature does not hold');
  }

  #refuseWriting(handle: number): never {
    this.#session(handle);
    throw new CkError(ck.CKR_TOKEN_WRITE_PROTECTED, 'changing the objects of a token: it is write protected');
  }

  async #pinFor(slot: PresentSlot, given: Uint8Array | undefined): Promise<Secret> {
    if (given) return Secret.take(given);
    const { signal } = this.#ended;
    const [asked, waited] = await Promise.allSettled([
      this.#options.desk.askPin(slot, signal),
      this.#options.delay(SLOW_ANSWER_MS, signal),
    ]);
    if (asked.status === 'rejected') throw asked.reason;
    if (waited.status === 'fulfilled') return asked.value;
    asked.value[Symbol.dispose]();
    throw signal.reason;
  }

  #slot(slotId: number): TokenSlot {
    const slot = this.#options.desk.slots().find(({ id }) => id === slotId);
    if (slot) return slot;
    throw new CkError(ck.CKR_SLOT_ID_INVALID, `using slot ${slotId}: there is none`);
  }

  #present(slotId: number): PresentSlot {
    const { token, ...slot } = this.#slot(slotId);
    if (token) return { ...slot, token };
    throw new CkError(ck.CKR_TOKEN_NOT_PRESENT, `using slot ${slotId}: no card is there`);
  }

  /** A session ends with its card, also when another one is there by now. */
  #session(handle: number): { readonly session: Session; readonly slot: PresentSlot; readonly isLoggedIn: boolean } {
    const session = this.#sessions.get(handle);
    const { token, ...slot } = this.#slot(session.slotId);
    if (token?.insertion !== session.insertion) {
      this.#sessions.closeAll(session.slotId);
      throw new CkError(ck.CKR_DEVICE_REMOVED, `using session ${handle}: its card is gone`);
    }
    const isLoggedIn = this.#sessions.pinOf(slot.id, token.insertion) !== undefined;
    return { session, slot: { ...slot, token }, isLoggedIn };
  }

  async #objectsOf(slot: PresentSlot): Promise<readonly TokenObject[]> {
    const { contents } = await this.#options.desk.read(slot, this.#ended.signal);
    const known = this.#objects.get(slot.id);
    if (known?.reading === contents) return known.objects;
    const objects = objectsOf(contents, slot.token.pin, slot.token.isFirst);
    this.#objects.set(slot.id, { reading: contents, objects });
    return objects;
  }

  /** Private ones are there for whoever is logged in. */
  async #object(handle: number, objectHandle: number): Promise<TokenObject> {
    const { slot, isLoggedIn } = this.#session(handle);
    const object = (await this.#objectsOf(slot)).find((one) => one.handle === objectHandle);
    if (object && (isLoggedIn || !object.isPrivate)) return object;
    throw new CkError(ck.CKR_OBJECT_HANDLE_INVALID, `using object ${objectHandle}: there is none`);
  }

  async #key(handle: number, keyHandle: number, isPrivate: boolean): Promise<KeyObject> {
    const object = await this.#object(handle, keyHandle).catch((error: unknown) => {
      if (error instanceof CkError && error.value === ck.CKR_OBJECT_HANDLE_INVALID)
        throw new CkError(ck.CKR_KEY_HANDLE_INVALID, error.message);
      throw error;
    });
    const { key } = object;
    if (key && object.isPrivate === isPrivate) return { ...object, key };
    throw new CkError(ck.CKR_KEY_HANDLE_INVALID, `using key ${keyHandle}: it is none for this`);
  }

  async #mechanisms(slotId: number): Promise<ReturnType<typeof mechanismsOf>> {
    const objects = await this.#objectsOf(this.#present(slotId));
    return mechanismsOf(
      objects.flatMap(({ key }) => key ?? []),
      this.#dialect,
    );
  }

  #note(slotId: number): void {
    this.#changed.add(slotId);
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#onChange.splice(0)) wake();
  }

  async #slotEvent(blocks: boolean): Promise<number> {
    for (;;) {
      if (!this.#isInitialized) throw new CkError(ck.CKR_CRYPTOKI_NOT_INITIALIZED, 'waiting for a slot: the client has ended');
      const [slotId] = this.#changed;
      if (slotId !== undefined) {
        this.#changed.delete(slotId);
        return slotId;
      }
      if (!blocks) throw new CkError(ck.CKR_NO_EVENT, 'looking for a slot that has changed: there is none');
      await new Promise<void>((resolve) => this.#onChange.push(resolve));
    }
  }
}

async function signWith(token: TokenInUse, { keyReference, algorithm }: SigningKey, input: ToBeSigned): Promise<Uint8Array> {
  if ('digest' in input) return await token.sign({ keyReference, algorithm }, input.algorithm, input.digest);
  if (token.signPadded && isRsa(algorithm)) return await token.signPadded(keyReference, algorithm, input.content);
  throw new CkError(ck.CKR_DATA_INVALID, 'signing: the data are no DigestInfo that the card signs');
}

/** PKCS #11 v3.0, section 5.1.4, table 6. */
function stateOf(session: { readonly isReadWrite: boolean; readonly isLoggedIn: boolean; readonly isOfficer: boolean }): number {
  if (session.isOfficer) return ck.CKS_RW_SO_FUNCTIONS;
  if (session.isLoggedIn) return session.isReadWrite ? ck.CKS_RW_USER_FUNCTIONS : ck.CKS_RO_USER_FUNCTIONS;
  return session.isReadWrite ? ck.CKS_RW_PUBLIC_SESSION : ck.CKS_RO_PUBLIC_SESSION;
}

function replacePin(operation: SignOperation, pin: Secret): void {
  operation.pin?.[Symbol.dispose]();
  operation.pin = pin;
}

function isRsa(algorithm: KeyAlgorithm): algorithm is RsaKeyAlgorithm {
  return algorithm.startsWith('RSA-');
}

/** An empty list is given, whatever the room: clients take a count alone for too little room. */
function listed(values: readonly number[], room: number | undefined): Answer<'C_GetSlotList'>[0] {
  return values.length === 0 || (room !== undefined && room >= values.length) ? { values } : { count: values.length };
}

function createHashLength(hash: ReturnType<typeof createHash>): number {
  return hash.copy().digest().length;
}

function answerQueries({ attributes }: TokenObject, queries: readonly AttributeQuery[]): Answer<'C_GetAttributeValue'> {
  let value = ck.CKR_OK;
  const answers = queries.map(({ type, room }): AttributeAnswer => {
    const own = attributes.get(type);
    if (!own) {
      value = isSecret(type, attributes) ? ck.CKR_ATTRIBUTE_SENSITIVE : ck.CKR_ATTRIBUTE_TYPE_INVALID;
      return { type };
    }
    if (room === 0) return { type, length: lengthOf(own) };
    if (room >= own.length) return { type, value: own };
    value = ck.CKR_BUFFER_TOO_SMALL;
    return { type };
  });
  return [answers, value];
}

/** The secret parts of a private key (PKCS #11 v3.0, tables 14 and 35). */
const SECRET_TYPES: readonly number[] = [ck.CKA_VALUE, 0x123, 0x124, 0x125, 0x126, 0x127, 0x128];

function isSecret(type: number, attributes: TokenObject['attributes']): boolean {
  return attributes.has(ck.CKA_SENSITIVE) && SECRET_TYPES.includes(type);
}
