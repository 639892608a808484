/** One transaction with one card through its module: a session in each of its slots as they are needed, who is logged in, and the way back out. */
import { PinBlockedError, PinRejectedError } from '../../apdu/errors.ts';
import { Secret } from '../../apdu/secret.ts';
import type { PinEntry } from '../../apdu/token.ts';
import { DeviceError, DeviceRemovedError, ServiceUnavailableError } from '../errors.ts';
import type { SlotGroup, TokenSlot } from './card-slots.ts';
import * as ck from './constants.ts';
import { ReturnedError } from './faults.ts';
import type { TokenInfo } from './layout.ts';
import type { SeenCall } from '../reader-source.ts';
import type { Arguments, ModuleCall, Operation } from './messages.ts';
import type { ModuleDeadlines } from './module-host.ts';
import type { ModuleProcess, Reply, RequestOptions } from './module-process.ts';
import { errorOf } from './return-values.ts';

export type User = 'so' | 'user';

interface SlotState {
  readonly slot: TokenSlot;
  readonly sessions: string[];
  loggedIn: User | undefined;
  /** What logged in, for keys that want it again at their first use. */
  entry: Secret | 'keypad' | undefined;
}

export interface CallOptions {
  readonly blobs?: readonly Uint8Array[];
  readonly isLong?: boolean;
  readonly isIndependent?: boolean;
  readonly onDone?: (done: number) => void;
}

const USER_TYPES: Readonly<Record<User, number>> = { so: ck.CKU_SO, user: ck.CKU_USER };

export class ModuleSession implements AsyncDisposable {
  readonly group: SlotGroup;
  readonly #process: ModuleProcess;
  readonly #deadlines: ModuleDeadlines;
  readonly #signal: AbortSignal;
  readonly #slots: readonly SlotState[];
  #loginCount = 0;
  #onCall: ((call: SeenCall) => void) | undefined;

  constructor(
    process: ModuleProcess,
    group: SlotGroup,
    options: { readonly deadlines: ModuleDeadlines; readonly signal: AbortSignal },
  ) {
    this.#process = process;
    this.group = group;
    this.#deadlines = options.deadlines;
    this.#signal = options.signal;
    this.#slots = group.slots.map((slot) => ({ slot, sessions: [], loggedIn: undefined, entry: undefined }));
  }

  /** From now on every call into the module is told. */
  record(onCall: (call: SeenCall) => void): void {
    this.#onCall = onCall;
  }

  /** One operation of the module. Errors of the module come as what they mean, with `attempt` before them. */
  async call<O extends Operation>(
    attempt: string,
    operation: O,
    args: Arguments<O>,
    options: CallOptions = {},
  ): Promise<Reply<O>> {
    this.#signal.throwIfAborted();
    const { isLong = false, ...rest } = options;
    const timeoutMs = isLong ? this.#deadlines.longMs : this.#deadlines.normalMs;
    try {
      return await this.#request(operation, args, { timeoutMs, signal: this.#signal, ...rest });
    } catch (error) {
      throw this.#translate(attempt, error);
    }
  }

  /** The token as it stands now. Throws DeviceRemovedError when it is gone, or another is there. */
  async tokenOf(index: number): Promise<TokenInfo> {
    const { slot } = this.#state(index);
    const { result } = await this.call('looking at the card', 'token', { slot: slot.id });
    const { token } = result;
    if (token?.serialNumber !== slot.token.serialNumber)
      throw new DeviceRemovedError(
        `looking at the card in ${this.group.description}: ${token ? 'another is there' : 'it is gone'}`,
      );
    return token;
  }

  /** The first session with the slot, or the one of this number: `sign` uses two. */
  async session(index: number, number = 0): Promise<string> {
    const state = this.#state(index);
    while (state.sessions.length <= number) {
      const isReadOnly = (state.slot.token.flags & ck.CKF_WRITE_PROTECTED) !== 0;
      const { result } = await this.call('opening a session with the card', 'open', { slot: state.slot.id, isReadOnly });
      state.sessions.push(result.session);
    }
    return state.sessions[number] ?? '';
  }

  /** Compares the PIN, once. Whoever was logged in is not any more, whatever comes out. */
  async login(attempt: string, index: number, user: User, entry: PinEntry): Promise<void> {
    const state = this.#state(index);
    const session = await this.session(index);
    await this.logout(index);
    this.#loginCount++;
    const pin = entry === 'keypad' ? undefined : entry.use((bytes) => Buffer.from(bytes));
    try {
      const blobs = pin ? [pin] : [];
      await this.call(attempt, 'login', { session, user: USER_TYPES[user] }, { blobs, isLong: entry === 'keypad' });
    } catch (error) {
      throw await this.withTries(error, index, user);
    } finally {
      pin?.fill(0);
    }
    state.loggedIn = user;
    state.entry = entry === 'keypad' ? 'keypad' : entry.use((bytes) => Secret.take(Uint8Array.from(bytes)));
  }

  /** Another number means that handles of private objects are void (Base Specification, section 5.6, C_Logout). */
  get loginCount(): number {
    return this.#loginCount;
  }

  loggedIn(index: number): User | undefined {
    return this.#state(index).loggedIn;
  }

  /** What the person gave for the login, to be given once more: for a key that wants it at its use. */
  takeEntry(index: number): Secret | 'keypad' | undefined {
    const state = this.#state(index);
    const { entry } = state;
    state.entry = undefined;
    return entry;
  }

  async logout(index: number): Promise<void> {
    const state = this.#state(index);
    if (!state.loggedIn) return;
    this.#loginCount++;
    state.loggedIn = undefined;
    if (state.entry instanceof Secret) state.entry[Symbol.dispose]();
    state.entry = undefined;
    await this.call('logging out', 'logout', { session: await this.session(index) });
  }

  /** After a wrong PIN: how many tries the token says are left. */
  async withTries(error: unknown, index: number, user: User): Promise<unknown> {
    if (!(error instanceof PinRejectedError)) return error;
    const attemptsRemaining = triesOf(await this.tokenOf(index), user);
    if (attemptsRemaining === undefined) return error;
    const errorClass = attemptsRemaining === 0 ? PinBlockedError : PinRejectedError;
    return new errorClass(error.message, { attemptsRemaining }, { cause: error });
  }

  /** Logs out and closes every session. A process or card that is gone has closed them itself. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const state of this.#slots) {
      if (state.entry instanceof Secret) state.entry[Symbol.dispose]();
      const [first] = state.sessions;
      if (state.loggedIn && first !== undefined) await this.#leave('logout', { session: first });
      for (const session of state.sessions) await this.#leave('close', { session });
    }
  }

  async #leave<O extends 'close' | 'logout'>(operation: O, args: Arguments<O>): Promise<void> {
    if (this.#process.hasEnded) return;
    try {
      await this.#request(operation, args, { timeoutMs: this.#deadlines.normalMs });
    } catch (error) {
      if (!(error instanceof ReturnedError || error instanceof DeviceError)) throw error;
      // One that still stands would leave the PIN verified for the next transaction: then the process goes, and everything with it.
      const isGone = error instanceof ServiceUnavailableError || (error instanceof ReturnedError && CLOSED.has(error.value));
      if (!isGone) await this.#process.kill(new Error(`its session could not be closed: ${error.message}`));
    }
  }

  async #request<O extends Operation>(operation: O, args: Arguments<O>, options: RequestOptions): Promise<Reply<O>> {
    const tell = this.#onCall;
    if (!tell) return await this.#process.request(operation, args, options);
    const slot = this.#slotOf(args);
    const began = performance.now();
    const onCalls = (calls: readonly ModuleCall[]): void => {
      for (const call of calls) tell({ slot, ...call });
    };
    try {
      return await this.#process.request(operation, args, { ...options, onCalls });
    } catch (error) {
      if (error instanceof DeviceError)
        tell({ slot, operation, problem: error, durationMs: Math.round(performance.now() - began) });
      throw error;
    }
  }

  /** Of the card, from 1 on. */
  #slotOf(args: Arguments<Operation>): number {
    const session = 'session' in args ? args.session : 'lanes' in args ? args.lanes[0]?.session : undefined;
    const isOne = ({ slot, sessions }: SlotState): boolean =>
      'slot' in args ? slot.id === args.slot : session !== undefined && sessions.includes(session);
    return Math.max(this.#slots.findIndex(isOne), 0) + 1;
  }

  #translate(attempt: string, error: unknown): unknown {
    if (!(error instanceof ReturnedError)) return error;
    const { call, value } = error;
    return errorOf({ attempt, module: this.#process.module.name, device: this.group.description, call, value });
  }

  #state(index: number): SlotState {
    const state = this.#slots[index];
    if (!state) throw new DeviceRemovedError(`using the card in ${this.group.description}: it has no slot ${index + 1}`);
    return state;
  }
}

/** The session, or the login, is no more. */
const CLOSED: ReadonlySet<number> = new Set([0x30, 0x32, 0xb0, 0xb3, 0xe0, 0x101, 0x190]);

/** 0 and 1 are told by flags; of more a token tells nothing that could be counted (Base Specification, section 3.2, token flags). */
export function triesOf({ flags }: TokenInfo, user: User): number | undefined {
  const [locked, finalTry] =
    user === 'user' ? [ck.CKF_USER_PIN_LOCKED, ck.CKF_USER_PIN_FINAL_TRY] : [ck.CKF_SO_PIN_LOCKED, ck.CKF_SO_PIN_FINAL_TRY];
  if ((flags & locked) !== 0) return 0;
  return (flags & finalTry) !== 0 ? 1 : undefined;
}
