/**
 * The directory of the application: which PINs, keys and certificates the card says it has. Each part is read when it is first asked for, and once in a
 * transaction; what was read may be handed to the next transaction, which then reads nothing (`TokenContents.directory`).
 */
import { CardDataError, ObjectNotFoundError } from '../../errors.ts';
import { decodeTaggedJson, encodeTaggedJson } from '../../tagged-json.ts';
import type { ContentsAnew } from '../../token.ts';
import type { ApplicationPlace } from './application.ts';
import { parseAuthenticationObjects, withDistinctReferences, type PinObject } from './authentication-objects.ts';
import { parseCardInformation, parseSerialNumber, planLastUpdate, type CardInformation } from './card-information.ts';
import { parseCertificates, type CertificateObject } from './certificates.ts';
import { TAG_SEQUENCE } from './der.ts';
import { wantedLength } from './file-shape.ts';
import type { CardFiles, FileHabits } from './files.ts';
import { parseKeys, type KeyObject } from './keys.ts';
import {
  looksLikeObjectDirectory,
  parseObjectDirectory,
  parseUnusedSpace,
  type DirectoryKind,
  type DirectoryPointer,
  type UnusedSpace,
} from './object-directory.ts';
import { MASTER_FILE, isAbsolute, parentOf, type FilePath } from './path.ts';
import { updateSelectedIfAllowed } from './update.ts';

/** File identifiers in the application's DF, and short EF identifiers (ISO/IEC 7816-15:2016, section 7.5; PKCS #15 v1.1, section 5.6). */
const OBJECT_DIRECTORY: FilePath = { file: '5031' };
const OBJECT_DIRECTORY_SHORT = 0x11;
const CARD_INFORMATION: FilePath = { file: '5032' };
const CARD_INFORMATION_SHORT = 0x12;
const UNUSED_SPACE: FilePath = { file: '5033' };

/** What was read of a directory, for the next transaction with the same card. */
export class RememberedDirectory {
  readonly place: ApplicationPlace;
  readonly habits: FileHabits;
  #parts: DirectoryParts;

  constructor(place: ApplicationPlace, habits: FileHabits, parts: DirectoryParts) {
    this.place = place;
    this.habits = habits;
    this.#parts = parts;
  }

  get parts(): DirectoryParts {
    return this.#parts;
  }

  /** What a later transaction found out of what nobody changes once the card is made. */
  learn(parts: Pick<DirectoryParts, 'publicKeys'>): void {
    this.#parts = { ...this.#parts, ...parts };
  }

  static decode(text: string): RememberedDirectory {
    const { place, habits, parts } = decodeTaggedJson(text) as Pick<RememberedDirectory, 'place' | 'habits' | 'parts'>;
    return new RememberedDirectory(place, habits, parts);
  }

  encode(): string {
    const { place, habits, parts } = this;
    return encodeTaggedJson({ place, habits, parts });
  }
}

interface DirectoryParts {
  readonly information?: CardInformation;
  /** How long EF.CIAInfo is. */
  readonly informationLength?: number;
  /** How long what it tells is, without what fills the file up. */
  readonly informationExtent?: number;
  readonly pointers?: readonly DirectoryPointer[];
  readonly pins?: readonly PinObject[];
  readonly keys?: readonly KeyObject[];
  readonly publicKeys?: readonly KeyObject[];
  readonly ownCertificates?: readonly CertificateObject[];
  readonly otherCertificates?: readonly CertificateObject[];
  /** Who may write what EF.UnusedSpace names. */
  readonly unusedSpace?: UnusedSpace;
}

export class EidDirectory {
  readonly files: CardFiles;
  /** Identifiers of files of which this transaction found out that the card has them. */
  readonly takenFiles = new Set<string>();
  readonly #now: (() => Date) | undefined;
  #parts: DirectoryParts;
  /** Where what is found out is kept for later transactions, while all that stands there holds. */
  #remembered: RememberedDirectory | undefined;
  #isRemembered: boolean;
  #areCertificatesRemembered: boolean;
  #information: CardInformation | undefined;
  #informationHead: Uint8Array | undefined;

  constructor(files: CardFiles, now: (() => Date) | undefined, remembered?: RememberedDirectory) {
    this.files = files;
    this.#now = now;
    this.#parts = remembered?.parts ?? {};
    this.#remembered = remembered;
    this.#isRemembered = this.#areCertificatesRemembered = remembered !== undefined;
  }

  remember(): RememberedDirectory {
    this.#remembered = new RememberedDirectory(this.files.place, this.files.habits, this.#parts);
    return this.#remembered;
  }

  /** The card is asked from here on, for what of this was not read in this transaction. */
  readAnew(what: ContentsAnew): void {
    if (this.#areCertificatesRemembered) this.#forgetCertificates();
    this.#areCertificatesRemembered = false;
    if (what === 'everything') this.#forgetRemembered();
  }

  #forgetCertificates(): void {
    const { ownCertificates, unusedSpace, ...others } = this.#parts;
    this.#parts = others;
  }

  #forgetRemembered(): void {
    if (!this.#isRemembered) return;
    this.#isRemembered = false;
    this.#remembered = undefined;
    const { informationLength } = this.#parts;
    this.#parts = {
      ...(this.#information ? { information: this.#information } : {}),
      ...(informationLength === undefined ? {} : { informationLength }),
    };
  }

  /** What is to be changed is looked at first: a directory of certificates that was not given, or held nothing, may be given after a PIN. */
  readForChange(): void {
    this.readAnew('certificates');
    if (this.#parts.ownCertificates?.length !== 0) return;
    const { ownCertificates, ...others } = this.#parts;
    this.#parts = others;
  }

  /**
   * This transaction wrote to the card, which nobody else can do meanwhile: what is known of the directory's other parts is so still. A card that tells when it was
   * changed may tell otherwise now.
   */
  forgetWritten(part: 'certificates' | 'keys'): void {
    if (this.#information?.lastUpdate !== undefined) this.#information = undefined;
    if (!this.#isWithoutTimeStill()) this.#informationHead = undefined;
    if (part === 'certificates') {
      const { ownCertificates, ...others } = this.#parts;
      this.#parts = others;
    }
  }

  /**
   * EF.CIAInfo gives the time of the last change of the directory, so that whoever kept a copy sees that it is old (ISO/IEC 7816-15:2016, section 8.10, lastUpdate).
   * It is written before the change: broken off afterwards, a copy is read anew for nothing. A card that gives no time, or does not let it be written, is left so.
   */
  async markChange(): Promise<void> {
    // A card that gave no time gives none to be changed.
    if ((await this.lastUpdateNow()) === undefined) return;
    const path = this.files.place.cardInformation ?? CARD_INFORMATION;
    const selected = await this.files.select(path.file);
    const content = selected && (await this.files.readSelected(path, 'object', selected));
    const next = content && planLastUpdate(content, this.#now?.());
    if (next) await updateSelectedIfAllowed(this.files, next.offset, next.time);
    this.files.forget(path.file);
    this.#information = undefined;
    this.#informationHead = undefined;
  }

  /** From the card in this transaction: when the directory was last changed. */
  async lastUpdateNow(): Promise<string | undefined> {
    return this.#isWithoutTimeStill() ? undefined : (await this.informationNow())?.lastUpdate;
  }

  /** It told none last time, and its length, which stands in what was read in this transaction, is the same: a time would make it longer. */
  #isWithoutTimeStill(): boolean {
    const { information, informationExtent } = this.#parts;
    if (this.#information || !this.#informationHead || !information || information.lastUpdate !== undefined) return false;
    return wantedLength(this.#informationHead, 'object') === informationExtent;
  }

  /** From the card in this transaction, in one command where it can be: whatever else EF.CIAInfo tells may be left for later. */
  async serialNumberNow(): Promise<string | undefined> {
    if (!this.#information && !this.#informationHead && !this.files.place.cardInformation) {
      const expectedLength = this.#parts.informationLength;
      const head = await this.files.readShort(
        CARD_INFORMATION_SHORT,
        'head',
        expectedLength === undefined ? {} : { expectedLength },
      );
      if (head?.[0] === TAG_SEQUENCE && wantedLength(head, 'object') > head.length) this.#informationHead = head;
      else if (head?.[0] === TAG_SEQUENCE) this.#learnInformation(head);
    }
    const serialNumber = this.#informationHead && !this.#information ? parseSerialNumber(this.#informationHead) : undefined;
    return serialNumber ?? (await this.informationNow())?.serialNumber;
  }

  /** From the card in this transaction, whatever is remembered. Undefined when the card has no such file. */
  async informationNow(): Promise<CardInformation | undefined> {
    if (!this.#information) {
      const content = await this.#readInformation();
      if (content && content.length > 0) this.#learnInformation(content);
    }
    return this.#information;
  }

  #learnInformation(content: Uint8Array): void {
    this.#information = parseCardInformation(content);
    const extents = { informationLength: content.length, informationExtent: wantedLength(content, 'object') };
    this.#parts = { ...this.#parts, information: this.#information, ...extents };
  }

  async information(): Promise<CardInformation | undefined> {
    return this.#parts.information ?? (await this.informationNow());
  }

  async pins(): Promise<readonly PinObject[]> {
    const pins =
      this.#parts.pins ?? withDistinctReferences(await this.#objects(['authentication objects'], parseAuthenticationObjects));
    this.#parts = { ...this.#parts, pins };
    return pins;
  }

  /** Throws ObjectNotFoundError. */
  async pin(reference: string): Promise<PinObject> {
    const pins = await this.pins();
    const pin = pins.find((candidate) => candidate.reference === reference.toUpperCase());
    if (pin) return pin;
    const known = pins.map((candidate) => candidate.reference).join(', ');
    throw new ObjectNotFoundError(`looking up PIN ${reference}: the card has ${known === '' ? 'none' : known}`);
  }

  async keys(): Promise<readonly KeyObject[]> {
    const keys = this.#parts.keys ?? (await this.#objects(['private keys'], (content) => parseKeys('EF.PrKD', content)));
    this.#parts = { ...this.#parts, keys };
    return keys;
  }

  async publicKeys(): Promise<readonly KeyObject[]> {
    const publicKeys =
      this.#parts.publicKeys ?? (await this.#objects(['public keys'], (content) => parseKeys('EF.PuKD', content)));
    this.#parts = { ...this.#parts, publicKeys };
    this.#remembered?.learn({ publicKeys });
    return publicKeys;
  }

  async ownCertificates(): Promise<readonly CertificateObject[]> {
    const ownCertificates = this.#parts.ownCertificates ?? (await this.#objects(['certificates'], parseCertificates));
    this.#parts = { ...this.#parts, ownCertificates };
    return ownCertificates;
  }

  /** Of authorities, and whatever else the issuer found useful. */
  async otherCertificates(): Promise<readonly CertificateObject[]> {
    const otherCertificates =
      this.#parts.otherCertificates ?? (await this.#objects(['trusted certificates', 'useful certificates'], parseCertificates));
    this.#parts = { ...this.#parts, otherCertificates };
    return otherCertificates;
  }

  async pointers(): Promise<readonly DirectoryPointer[]> {
    let { pointers } = this.#parts;
    if (!pointers) {
      const content = await this.#readObjectDirectory();
      if (!content) throw new CardDataError('reading EF.OD: the application has none');
      pointers = parseObjectDirectory(content);
      this.#parts = { ...this.#parts, pointers };
      this.#learnApplicationPath(pointers);
    }
    return pointers;
  }

  /** Where paths from the MF all lead into one DF, that is the application's. */
  #learnApplicationPath(pointers: readonly DirectoryPointer[]): void {
    const files = pointers.flatMap((pointer) => ('path' in pointer ? [pointer.path.file] : []));
    const [parent, ...others] = new Set(files.filter(isAbsolute).map(parentOf));
    if (parent !== undefined && others.length === 0 && parent !== MASTER_FILE) this.files.learnApplicationPath(parent);
  }

  /** The objects of all directory files of these kinds. A file that is not there, or wants a PIN, has none. */
  async #objects<T>(kinds: readonly DirectoryKind[], parse: (content: Uint8Array) => readonly T[]): Promise<readonly T[]> {
    const objects: T[] = [];
    for (const pointer of await this.pointers()) {
      if (!kinds.includes(pointer.kind)) continue;
      const content = 'path' in pointer ? await this.files.read(pointer.path, 'objects') : pointer.entries;
      if (content) objects.push(...parse(content));
    }
    return objects;
  }

  /** Nothing on cards that tell of none. */
  async unusedSpace(): Promise<UnusedSpace> {
    const content = this.#parts.unusedSpace ? undefined : await this.files.read(UNUSED_SPACE, 'objects');
    const unusedSpace = this.#parts.unusedSpace ?? (content ? parseUnusedSpace(content) : { files: [] });
    this.#parts = { ...this.#parts, unusedSpace };
    return unusedSpace;
  }

  async #readObjectDirectory(): Promise<Uint8Array | undefined> {
    const { objectDirectory } = this.files.place;
    if (objectDirectory) return await this.files.read(objectDirectory, 'objects');
    const content = await this.files.readShort(OBJECT_DIRECTORY_SHORT, 'objects');
    return content && looksLikeObjectDirectory(content) ? content : await this.files.read(OBJECT_DIRECTORY, 'objects');
  }

  async #readInformation(): Promise<Uint8Array | undefined> {
    const { cardInformation } = this.files.place;
    if (cardInformation) return await this.files.read(cardInformation, 'object');
    const known = this.#informationHead;
    const content = await this.files.readShort(CARD_INFORMATION_SHORT, 'object', known ? { known } : {});
    return content?.[0] === TAG_SEQUENCE ? content : await this.files.read(CARD_INFORMATION, 'object');
  }

  /** The bytes of a certificate entry, wherever they stand. */
  async valueOf(certificate: CertificateObject): Promise<Uint8Array | undefined> {
    return certificate.value ?? (certificate.path && (await this.files.read(certificate.path, 'object')));
  }
}
