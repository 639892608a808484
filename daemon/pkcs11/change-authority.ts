/** What proves to a card that it may be changed: its management key, or the PIN that it names. */
import { ManagementKeyRejectedError } from '../../apdu/errors.ts';
import type { Secret } from '../../apdu/secret.ts';
import type { PinReference, Token, TokenManagement } from '../../apdu/token.ts';
import * as ck from '../../pkcs11-module/constants.ts';
import type { ChangeRequest, TokenChange } from '../../pkcs11-module/desk.ts';
import { CkError } from '../../pkcs11-module/errors.ts';
import { managementOf, type CardSession } from '../desk/card-session.ts';
import { parseManagementKey } from '../management/management-key.ts';
import { guardedToken } from './guarded-token.ts';

/** Of one change; wiped with it. */
export class AskedPins implements Disposable {
  readonly #pins = new Map<PinReference, Secret>();

  get(reference: PinReference): Secret | undefined {
    return this.#pins.get(reference);
  }

  add(reference: PinReference, pin: Secret): void {
    this.#pins.set(reference, pin);
  }

  [Symbol.dispose](): void {
    for (const pin of this.#pins.values()) pin[Symbol.dispose]();
  }
}

/** Thrown before anything is changed. */
export class PinNeededError extends Error {
  override readonly name = 'PinNeededError';
  readonly reference: PinReference;

  constructor(reference: PinReference) {
    super(`changing the card: it wants PIN ${reference}, which was not given`);
    this.reference = reference;
  }
}

export interface AtWork {
  readonly session: CardSession;
  readonly token: Token;
  readonly asked: AskedPins;
  readonly right: ChangeRequest['right'];
}

/** For one turn on the card. */
export class Authority {
  /** Of the token that the program uses. */
  readonly #pin: PinReference;
  readonly #work: AtWork;

  constructor(pin: PinReference, work: AtWork) {
    this.#pin = pin;
    this.#work = work;
  }

  async verify(reference: PinReference): Promise<void> {
    const { session, token, asked, right } = this.#work;
    const pin = right.pinOf(reference) ?? asked.get(reference);
    if (!pin) throw new PinNeededError(reference);
    const guarded = guardedToken(session, token, { allowsLastTry: (one) => asked.get(one) !== undefined });
    await guarded.verifyPin(reference, pin);
  }

  /** A card that wants its management key gets the one that the program gave; else the one that it left the factory with, when the PIN was right. */
  async prove(change: TokenChange): Promise<void> {
    const { act, keyReference } = change;
    const { token, right } = this.#work;
    const management = managementOf(token);
    const { managementKey } = management;
    if (managementKey && right.managementKey) {
      using key = parseManagementKey(right.managementKey);
      await managementKey.authenticate(key);
      return;
    }
    const isOfKey = act === 'pkcs11.generateKey' || act === 'pkcs11.deleteKey' || (act === 'pkcs11.rename' && !change.der);
    const what = isOfKey ? 'key' : 'certificate';
    await this.verify((await management.pinFor?.(keyReference, what)) ?? this.#pin);
    if (managementKey) await proveFactoryKey(managementKey);
  }
}

async function proveFactoryKey(managementKey: NonNullable<TokenManagement['managementKey']>): Promise<void> {
  using key = managementKey.factoryKey();
  try {
    await managementKey.authenticate(key);
  } catch (error) {
    if (!(error instanceof ManagementKeyRejectedError)) throw error;
    const message =
      'changing the card: it wants its management key, which is not the one of the factory; the security officer logs in by it';
    throw new CkError(ck.CKR_USER_NOT_LOGGED_IN, message, { cause: error });
  }
}
