/**
 * PKCS #11 for one client (v2.40 and v3.0, section 5): its sessions, its login, and what it does with the objects of the tokens. Every function takes what the wire
 * brought and gives what goes back; what cards do is asked of the desk.
 */
import { randomBytes } from 'node:crypto';
import { Secret } from '../../apdu/secret.ts';
import * as ck from '../constants.ts';
import type { SlotReading, TokenDesk, TokenInUse, TokenSlot } from '../desk.ts';
import { CkError, valueOf } from '../errors.ts';
import type { Answer } from '../rpc/arguments.ts';
import { lengthOf, type AttributeAnswer, type AttributeQuery } from '../rpc/attributes.ts';
import { HANDSHAKE, type CallName, type Dialect } from '../rpc/calls.ts';
import type { RpcApplication } from '../rpc/connection.ts';
import type { RpcCall } from '../rpc/message.ts';
import type { ApplicationContext, Functions, KeyObject, KeyUse, PresentSlot } from './context.ts';
import { decryptFunctions } from './decrypting.ts';
import { deriveFunctions } from './deriving.ts';
import { digestFunctions } from './digesting.ts';
import { encryptFunctions } from './encrypting.ts';
import { generatingFunctions, generatingMechanisms } from './generating.ts';
import { ObjectHandles } from './handles.ts';
import { entryOf, isTypedOnReader, typedOnReader } from './keypad.ts';
import { loginOfficer, pinFunctions } from './pins.ts';
import { padded, slotInfo, tokenInfo } from './information.ts';
import { mechanismsOf } from './mechanisms.ts';
import { matches, objectsOf, type TokenObject } from './objects.ts';
import { Sessions, endSign, type Session } from './sessions.ts';
import { settingFunctions } from './setting.ts';
import { signFunctions } from './signing.ts';
import { unwrapFunctions } from './unwrapping.ts';
import { verifyFunctions } from './verifying.ts';
import { writingFunctions } from './writing.ts';

/** Firefox hangs when a login without a PIN is answered before its dialog is there: measured with 0 and 1 ms, not with 200. */
const SLOW_ANSWER_MS = 500;
const MAX_RANDOM_BYTES = 65_536;
/** Half of the calls that a client may have under way: the others go on. */
const MAX_SLOT_WAITS = 64;

export interface ApplicationOptions {
  readonly desk: TokenDesk;
  readonly version: { readonly major: number; readonly minor: number };
  /** Waits; for tests. */
  readonly delay: (ms: number, signal: AbortSignal) => Promise<void>;
  /** For programs, and salts. */
  readonly random?: (length: number) => Uint8Array;
  /** Of a program that had sessions with an earlier core: where handles begin that are none of those. To it every token has come anew. */
  readonly resumed?: { readonly firstSession: number };
  /** What was answered of sessions holds no more. */
  readonly onOtherwise?: () => void;
}

interface KnownObjects {
  readonly reading: SlotReading['contents'];
  readonly isChangeable: boolean;
  readonly objects: readonly TokenObject[];
}

export class Application implements RpcApplication {
  readonly #options: ApplicationOptions;
  readonly #sessions: Sessions;
  readonly #ended = new AbortController();
  readonly #random: (length: number) => Uint8Array;
  readonly #functions: Functions;
  /** Objects of a token as it was read; made anew when the card's contents are others. */
  readonly #objects = new Map<number, KnownObjects>();
  readonly #handles = new ObjectHandles();
  readonly #changed = new Set<number>();
  readonly #watch: Disposable;
  #onChange: (() => void)[] = [];
  #isInitialized = false;
  #dialect: Dialect = 0;

  constructor(options: ApplicationOptions) {
    this.#options = options;
    this.#random = options.random ?? randomBytes;
    const { firstSession } = options.resumed ?? {};
    this.#sessions = new Sessions({
      ...(firstSession === undefined ? {} : { first: firstSession }),
      onOtherwise: () => options.onOtherwise?.(),
    });
    if (options.resumed) for (const { id, token } of options.desk.slots()) if (token) this.#changed.add(id);
    const context = this.#context();
    this.#functions = {
      ...this.#general(),
      ...this.#ofSessions(),
      ...this.#ofObjects(),
      ...pinFunctions(context),
      ...digestFunctions(context),
      ...signFunctions(context),
      ...verifyFunctions(context),
      ...encryptFunctions(context),
      ...decryptFunctions(context),
      ...unwrapFunctions(context),
      ...deriveFunctions(context),
      ...generatingFunctions(context),
      ...settingFunctions(context),
      ...writingFunctions(context),
    };
    this.#watch = options.desk.watch((slotId) => this.#note(slotId));
  }

  call(call: RpcCall, dialect: Dialect): Answer<CallName> | Promise<Answer<CallName>> {
    this.#dialect = dialect;
    if (!this.#isInitialized && call.name !== 'C_Initialize')
      throw new CkError(ck.CKR_CRYPTOKI_NOT_INITIALIZED, `calling ${call.name}: before C_Initialize`);
    const work = this.#functions[call.name] as ((args: unknown) => unknown) | undefined;
    if (!work) throw new CkError(ck.CKR_FUNCTION_NOT_SUPPORTED, `calling ${call.name}: it is not there`);
    return work(call.args) as Answer<CallName> | Promise<Answer<CallName>>;
  }

  [Symbol.dispose](): void {
    this.#isInitialized = false;
    this.#ended.abort(new CkError(ck.CKR_CRYPTOKI_NOT_INITIALIZED, 'waiting: the client has ended'));
    this.#watch[Symbol.dispose]();
    this.#options.onOtherwise?.(); // of a client that has ended PKCS #11, nothing holds
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
        const { pin, abilities } = await this.#options.desk.read(slot, this.#ended.signal);
        return tokenInfo(slot.token, pin, {
          isChangeable: abilities !== undefined,
          sessions: this.#sessions.countOf(slotId),
          isPinAsked: this.#options.desk.canAskPin() || slot.token.hasKeypad,
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
        return [{ bytes: new Uint8Array(this.#random(wanted)) }];
      },
    };
  }

  #ofSessions(): Functions {
    return {
      C_OpenSession: ([slotId, flags]) => {
        const slot = this.#present(slotId);
        if ((flags & ck.CKF_SERIAL_SESSION) === 0)
          throw new CkError(ck.CKR_SESSION_PARALLEL_NOT_SUPPORTED, 'opening a session: it is not said to be serial');
        const isReadWrite = (flags & ck.CKF_RW_SESSION) !== 0;
        if (!isReadWrite && this.#sessions.officerPinOf(slotId, slot.token.insertion))
          throw new CkError(ck.CKR_SESSION_READ_WRITE_SO_EXISTS, 'opening a session to read: the security officer is logged in');
        return [this.#sessions.open(slot, isReadWrite).handle];
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
    const { session, slot } = this.#session(handle);
    const requireNobody = (): void => this.#requireNobody(handle, user);
    if (user === ck.CKU_SO) {
      await loginOfficer(this.#context(), slot, { given, requireNobody });
      return [];
    }
    if (user !== ck.CKU_USER && user !== ck.CKU_CONTEXT_SPECIFIC)
      throw new CkError(ck.CKR_USER_TYPE_INVALID, `logging in as ${user}: there is no such user`);
    if (user === ck.CKU_USER) requireNobody();
    const begun = [session.sign, session.decrypt].filter((one) => one !== undefined);
    const operation = begun.find((one) => !one.pin) ?? begun[0];
    if (user === ck.CKU_CONTEXT_SPECIFIC && !operation)
      throw new CkError(ck.CKR_OPERATION_NOT_INITIALIZED, 'logging in for an operation: none was begun');
    const pin = await this.#pinFor(slot, given);
    try {
      if (isTypedOnReader(pin)) await this.#loginAtKeypad(slot, user);
      else {
        const use = { act: 'pkcs11.login', signal: this.#ended.signal, allowsLastTry: given === undefined } as const;
        await this.#options.desk.use(slot, use, (token) => token.verifyPin(slot.token.pin, pin));
      }
      // The session may have ended while the person typed, and another thread may have logged in.
      if (user === ck.CKU_USER) requireNobody();
    } catch (error) {
      pin[Symbol.dispose]();
      throw error;
    }
    if (user === ck.CKU_USER) this.#sessions.login(slot.id, { insertion: slot.token.insertion, user: 'user', pin });
    else if (operation && (operation === session.sign || operation === session.decrypt)) replacePin(operation, pin);
    else pin[Symbol.dispose]();
    return [];
  }

  /** For an operation alone nothing is typed yet: it is when the key is used, and would be asked for twice. */
  async #loginAtKeypad(slot: PresentSlot, user: number): Promise<void> {
    const use = { act: 'pkcs11.login', signal: this.#ended.signal, atKeypad: true } as const;
    const verify = (): Promise<void> => this.#options.desk.use(slot, use, (token) => token.verifyPin(slot.token.pin, 'keypad'));
    await this.#slowly(user === ck.CKU_USER ? verify : () => Promise.resolve(), nothing);
  }

  /** Throws CKR_USER_ALREADY_LOGGED_IN, CKR_USER_ANOTHER_ALREADY_LOGGED_IN, and what a session that is over has thrown. */
  #requireNobody(handle: number, user: number): void {
    const { slot, isLoggedIn } = this.#session(handle);
    const isOfficer = this.#sessions.officerPinOf(slot.id, slot.token.insertion) !== undefined;
    if (user === ck.CKU_SO ? isOfficer : isLoggedIn) throw new CkError(ck.CKR_USER_ALREADY_LOGGED_IN, 'logging in: it is done');
    if (isLoggedIn || isOfficer)
      throw new CkError(ck.CKR_USER_ANOTHER_ALREADY_LOGGED_IN, 'logging in: somebody else is, user or security officer');
  }

  #ofObjects(): Functions {
    return {
      C_FindObjectsInit: async ([handle, template]) => {
        const { session, slot, isLoggedIn } = this.#session(handle);
        if (session.search) throw new CkError(ck.CKR_OPERATION_ACTIVE, 'beginning a search: one is under way');
        const objects = await this.#objectsOf(slot);
        session.search = [...objects, ...this.#sessions.objects.of(slot.id)]
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
    };
  }

  #context(): ApplicationContext {
    return {
      desk: this.#options.desk,
      sessions: this.#sessions,
      signal: this.#ended.signal,
      random: this.#random,
      session: (handle) => this.#session(handle),
      key: (handle, keyHandle, isPrivate) => this.#key(handle, keyHandle, isPrivate),
      object: (handle, objectHandle) => this.#object(handle, objectHandle),
      objectsOf: (slot) => this.#objectsOf(slot),
      renamed: (slot, objects, id) => {
        this.#handles.renamed(slot.id, slot.token.insertion, objects, id);
        this.#objects.delete(slot.id);
      },
      slowly: (ask, drop) => this.#slowly(ask, drop),
      useKey: (use, work) => this.#useKey(use, work),
    };
  }

  async #useKey<R>({ act, session, key, pin: own }: KeyUse, work: (token: TokenInUse) => Promise<R>): Promise<R> {
    const { slot } = this.#session(session.handle);
    const kept = key.pinPolicy === 'always' ? undefined : this.#sessions.pinOf(slot.id, slot.token.insertion);
    const pin = key.pinPolicy === 'never' ? undefined : (own ?? kept);
    using lent = pin?.copy(); // another thread may log out meanwhile
    if (!pin && key.pinPolicy !== 'never') throw new CkError(ck.CKR_USER_NOT_LOGGED_IN, 'using a key: it wants its PIN');
    try {
      const atKeypad = isTypedOnReader(pin);
      const isShared = act === 'pkcs11.sign' && pin === kept && key.pinPolicy === 'once' && !atKeypad;
      return await this.#options.desk.use(slot, { act, signal: this.#ended.signal, isShared, atKeypad }, async (token) => {
        if (pin) await token.verifyPin(key.pin, entryOf(pin, lent));
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

  async #pinFor(slot: PresentSlot, given: Uint8Array | undefined): Promise<Secret> {
    if (given) return Secret.take(given);
    // Where it is typed in kortd's own prompt it holds for the login.
    if (slot.token.hasKeypad && !this.#options.desk.canAskPin()) return typedOnReader();
    return await this.#slowly(
      () => this.#options.desk.askPin(slot, this.#ended.signal),
      (pin) => pin[Symbol.dispose](),
    );
  }

  /** What a person is asked in kortd's own prompt. `drop`: nobody waits for the answer any more. */
  async #slowly<R>(ask: () => Promise<R>, drop: (answer: R) => void): Promise<R> {
    const { signal } = this.#ended;
    const [asked, waited] = await Promise.allSettled([ask(), this.#options.delay(SLOW_ANSWER_MS, signal)]);
    if (asked.status === 'rejected') throw asked.reason;
    if (waited.status === 'fulfilled') return asked.value;
    drop(asked.value);
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

  /** A session ends with its card. When one is there again, programs hear what has them open another session (GnuTLS does then, and for no other value). */
  #session(handle: number): { readonly session: Session; readonly slot: PresentSlot; readonly isLoggedIn: boolean } {
    const session = this.#sessions.get(handle);
    const { token, ...slot } = this.#slot(session.slotId);
    if (token?.insertion !== session.insertion) {
      this.#sessions.closeAll(session.slotId);
      const value = token ? ck.CKR_SESSION_HANDLE_INVALID : ck.CKR_DEVICE_REMOVED;
      throw new CkError(value, `using session ${handle}: its card is gone`);
    }
    const isLoggedIn = this.#sessions.pinOf(slot.id, token.insertion) !== undefined;
    return { session, slot: { ...slot, token }, isLoggedIn };
  }

  async #objectsOf(slot: PresentSlot): Promise<readonly TokenObject[]> {
    const reading = await this.#options.desk.read(slot, this.#ended.signal);
    const known = this.#objects.get(slot.id);
    const isChangeable = reading.abilities !== undefined;
    if (known?.reading === reading.contents && known.isChangeable === isChangeable) return known.objects;
    const objects = this.#handles.number(slot.id, slot.token.insertion, objectsOf(reading, slot.token));
    this.#objects.set(slot.id, { reading: reading.contents, isChangeable, objects });
    return objects;
  }

  /** Private ones are there for whoever is logged in. */
  async #object(handle: number, objectHandle: number): Promise<TokenObject> {
    const { slot, isLoggedIn } = this.#session(handle);
    const made = this.#sessions.objects.find(slot.id, objectHandle);
    const object = made ?? (await this.#objectsOf(slot)).find((one) => one.handle === objectHandle);
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
    const slot = this.#present(slotId);
    const objects = await this.#objectsOf(slot);
    const { contents, abilities } = await this.#options.desk.read(slot, this.#ended.signal);
    const mechanisms = new Map(
      mechanismsOf(
        objects.flatMap(({ key }) => key ?? []),
        this.#dialect,
      ),
    );
    for (const [type, info] of generatingMechanisms(contents, { token: slot.token, abilities })) mechanisms.set(type, info);
    return mechanisms;
  }

  #note(slotId: number): void {
    this.#changed.add(slotId);
    this.#sessions.noteCard(slotId, this.#options.desk.slots().find(({ id }) => id === slotId)?.token?.insertion);
    this.#options.onOtherwise?.();
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
      if (this.#onChange.length >= MAX_SLOT_WAITS)
        throw new CkError(ck.CKR_FUNCTION_REJECTED, `waiting for a slot: ${MAX_SLOT_WAITS} threads do already`);
      await new Promise<void>((resolve) => this.#onChange.push(resolve));
    }
  }
}

/** PKCS #11 v3.0, section 5.1.4, table 6. */
function stateOf(session: { readonly isReadWrite: boolean; readonly isLoggedIn: boolean; readonly isOfficer: boolean }): number {
  if (session.isOfficer) return ck.CKS_RW_SO_FUNCTIONS;
  if (session.isLoggedIn) return session.isReadWrite ? ck.CKS_RW_USER_FUNCTIONS : ck.CKS_RO_USER_FUNCTIONS;
  return session.isReadWrite ? ck.CKS_RW_PUBLIC_SESSION : ck.CKS_RO_PUBLIC_SESSION;
}

function nothing(): void {
  return undefined;
}

function replacePin(operation: { pin?: Secret }, pin: Secret): void {
  operation.pin?.[Symbol.dispose]();
  operation.pin = pin;
}

/** An empty list is given, whatever the room: clients take a count alone for too little room. */
function listed(values: readonly number[], room: number | undefined): Answer<'C_GetSlotList'>[0] {
  return values.length === 0 || (room !== undefined && room >= values.length) ? { values } : { count: values.length };
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
