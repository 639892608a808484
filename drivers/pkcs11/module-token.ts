/** A card behind a module as an application with a token: the same abilities as a card that kortd speaks to itself. */
import type { CardApplication } from '../../apdu/card-profile.ts';
import { KeyNotFoundError } from '../../apdu/errors.ts';
import type { KeyAlgorithm, Token, TokenContents, TokenKey } from '../../apdu/token.ts';
import * as ck from './constants.ts';
import {
  PRIVATE_KEY_ATTRIBUTES,
  READ_ATTRIBUTES,
  buildDirectory,
  describeKey,
  idOf,
  type DirectoryKey,
  type KeyDirectory,
  type ModuleObject,
  type SlotObjects,
} from './key-directory.ts';
import { decipher } from './deciphering.ts';
import { createManagement } from './management.ts';
import type { AttributeKind, Results } from './messages.ts';
import type { ModuleSession } from './module-session.ts';
import { changePin, readPin, readPins, unblockPin, userPin, verifyPin } from './pins.ts';
import { sign, signAll, signPadded, type KeyPlace } from './signing.ts';

/** What is learned of a card beyond one transaction: keys that were seen to want their PIN at each use, which they show only to who is logged in. */
export type WantsPinEachTime = Set<string>;

/** Handed back as `TokenContents.directory`. */
class RememberedDirectory {
  readonly keys: KeyDirectory;

  constructor(keys: KeyDirectory) {
    this.keys = keys;
  }
}

export function openModuleApplication(
  session: ModuleSession,
  wantsPin: WantsPinEachTime,
  remembered?: TokenContents,
): CardApplication {
  const serialNumber = async (): Promise<string | undefined> => {
    const { serialNumber: text } = await session.tokenOf(0);
    return text === '' ? undefined : text;
  };
  const known = remembered?.directory instanceof RememberedDirectory ? remembered.directory.keys : undefined;
  return { serialNumber, token: createModuleToken(new CardKeys(session, wantsPin, known)) };
}

/** Keys of the card: as remembered, or read when they are needed. */
export class CardKeys {
  readonly session: ModuleSession;
  readonly #wantsPin: WantsPinEachTime;
  readonly #found = new Map<string, { readonly loginCount: number; readonly place: KeyPlace }>();
  /** Slots whose token does RSA without padding (CKM_RSA_X_509). */
  readonly #raw = new Set<number>();
  /** In its first slot, where new keys come. */
  #makes: readonly KeyAlgorithm[] = [];
  #directory: KeyDirectory | undefined;
  /** It was read in an earlier transaction. */
  #isRemembered: boolean;

  constructor(session: ModuleSession, wantsPin: WantsPinEachTime, directory: KeyDirectory | undefined) {
    this.session = session;
    this.#wantsPin = wantsPin;
    this.#directory = directory;
    this.#isRemembered = directory !== undefined;
  }

  async directory(): Promise<KeyDirectory> {
    return (this.#directory ??= await this.#read());
  }

  async readAnew(): Promise<KeyDirectory> {
    this.#directory = undefined;
    this.#isRemembered = false;
    return await this.directory();
  }

  /** What was known may be otherwise: something is about to be written. */
  forget(): void {
    this.#directory = undefined;
    this.#isRemembered = false;
    this.#found.clear();
  }

  /** Where a private key is, looked for once in a login: signing again and again asks for the same. */
  async place(keyReference: string, algorithm: KeyAlgorithm, find: () => Promise<KeyPlace>): Promise<KeyPlace> {
    const { loginCount } = this.session;
    const name = `${keyReference} ${algorithm}`;
    const known = this.#found.get(name);
    if (known?.loginCount === loginCount) return known.place;
    const place = await find();
    this.#found.set(name, { loginCount, place });
    return place;
  }

  /** A key that was made since the card was remembered is on the card alone. */
  async find(keyReference: string): Promise<DirectoryKey | undefined> {
    const wanted = keyReference.toUpperCase();
    const findIn = ({ keys }: KeyDirectory): DirectoryKey | undefined => keys.find((key) => key.keyReference === wanted);
    const found = findIn(await this.directory());
    return found || !this.#isRemembered ? found : findIn(await this.readAnew());
  }

  /** Throws KeyNotFoundError, naming what there is. */
  async require(keyReference: string): Promise<DirectoryKey> {
    const found = await this.find(keyReference);
    if (found) return found;
    const known = (await this.directory()).keys.map((key) => key.keyReference).join(', ');
    throw new KeyNotFoundError(`looking up key ${keyReference}: the card has ${known === '' ? 'none' : known}`);
  }

  describe(key: DirectoryKey): TokenKey {
    const token = this.session.group.slots[key.slot]?.token;
    const isWanted = ((token?.flags ?? 0) & ck.CKF_LOGIN_REQUIRED) !== 0;
    const alwaysAuthenticates = key.alwaysAuthenticates || this.#wantsPin.has(this.#nameOf(key));
    const deciphers = key.deciphers && this.#raw.has(key.slot);
    return describeKey({ ...key, alwaysAuthenticates, deciphers }, { reference: userPin(key.slot), isWanted });
  }

  /** Kinds of key that the module says to make, when the card was last read. */
  get makes(): readonly KeyAlgorithm[] {
    return this.#makes;
  }

  noteWantsPin(key: DirectoryKey): void {
    this.#wantsPin.add(this.#nameOf(key));
  }

  #nameOf({ slot, keyReference }: DirectoryKey): string {
    return `${this.session.group.slots[slot]?.token.serialNumber ?? ''}:${keyReference}`;
  }

  async #read(): Promise<KeyDirectory> {
    const slots: SlotObjects[] = [];
    for (const [slot, { id }] of this.session.group.slots.entries()) {
      const { result } = await this.session.call('reading the card', 'mechanisms', { slot: id });
      if (result.types.includes(ck.CKM_RSA_X_509)) this.#raw.add(slot);
      if (slot === 0) this.#makes = MADE_KEYS.filter((kind) => result.made.some((range) => isIn(range, kind)));
      const classes = [
        await this.findObjects(slot, ck.CKO_PRIVATE_KEY, PRIVATE_KEY_ATTRIBUTES),
        await this.findObjects(slot, ck.CKO_PUBLIC_KEY, PRIVATE_KEY_ATTRIBUTES),
        await this.findObjects(slot, ck.CKO_CERTIFICATE, READ_ATTRIBUTES),
      ];
      slots.push({ slot, objects: classes.flat() });
    }
    return buildDirectory(slots);
  }

  /** Objects of a class, of one CKA_ID or of any. */
  async findObjects(
    slot: number,
    objectClass: number,
    read: readonly { readonly type: number; readonly kind: AttributeKind }[],
    id?: Uint8Array,
  ): Promise<readonly ModuleObject[]> {
    const match = [
      { type: ck.CKA_CLASS, kind: 'number' as const, value: objectClass },
      ...(id ? [{ type: ck.CKA_ID, kind: 'bytes' as const }] : []),
    ];
    const args = { session: await this.session.session(slot), match, read: [...read] };
    const { result, blobs } = await this.session.call('reading the card', 'find', args, { blobs: id ? [id] : [] });
    const values = blobs[Symbol.iterator]();
    return result.objects.map((object) => {
      const numbers = new Map<number, number>();
      const bytes = new Map<number, Uint8Array>();
      for (const [index, { type }] of read.entries()) {
        const value = object.values[index];
        if (typeof value === 'number') numbers.set(type, value);
        else if (value === true) bytes.set(type, values.next().value ?? new Uint8Array());
      }
      return { handle: object.handle, numbers, bytes };
    });
  }
}

/** Those that kortd has a name for, and programs may ask for. */
const MADE_KEYS: readonly KeyAlgorithm[] = ['RSA-2048', 'RSA-3072', 'RSA-4096', 'P-256', 'P-384'];

/** Sizes are in bits (PKCS #11 Current Mechanisms, sections 2.1.4 and 2.3.5). */
function isIn({ type, min, max }: Results<'mechanisms'>['made'][number], kind: KeyAlgorithm): boolean {
  if ((type === ck.CKM_RSA_PKCS_KEY_PAIR_GEN) !== kind.startsWith('RSA-')) return false;
  const bits = Number(kind.slice(kind.indexOf('-') + 1));
  return max === 0 || (bits >= min && bits <= max);
}

function createModuleToken(keys: CardKeys): Token {
  const { session } = keys;
  return {
    contents: async () => contentsOf(keys, await keys.readAnew()),
    key: async (keyReference) => {
      await keys.readAnew();
      const key = await keys.find(keyReference);
      if (!key) idOf(keyReference);
      return key && keys.describe(key);
    },
    pins: () => readPins(session),
    pin: (reference) => readPin(session, reference),
    verifyPin: (reference, entry) => verifyPin(session, reference, entry),
    changePin: (reference, current, next) => changePin(session, reference, current, next),
    unblockPin: (reference, puk, next) => unblockPin(session, reference, puk, next),
    sign: (key, algorithm, digest) => sign(keys, key, algorithm, digest),
    signPadded: (keyReference, algorithm, content) => signPadded(keys, keyReference, algorithm, content),
    signAll: (key, algorithm, digests, options) => signAll(keys, key, algorithm, digests, options),
    decipher: (keyReference, algorithm, cryptogram) => decipher(keys, keyReference, algorithm, cryptogram),
    management: createManagement(keys),
  };
}

function contentsOf(keys: CardKeys, directory: KeyDirectory): TokenContents {
  const isOfKey = (reference: string): boolean => directory.keys.some(({ keyReference }) => keyReference === reference);
  return {
    keys: directory.keys.map((key) => keys.describe(key)),
    certificates: directory.certificates.map(({ keyReference, label, der }) => ({
      keyReference,
      ...(isOfKey(keyReference) ? {} : { isAuthority: true }),
      ...(label === undefined ? {} : { label }),
      der,
    })),
    makes: keys.makes,
    names: keys.session.group.slots.map(({ token: { label, manufacturer, model } }, slot) => ({
      pin: userPin(slot),
      label,
      manufacturer,
      model,
    })),
    directory: new RememberedDirectory(directory),
  };
}
