/**
 * Electronic passports and identity cards (ICAO Doc 9303-10 and -11): opened by PACE where EF.CardAccess names it, else by BAC; then the files, and the proof of the chip.
 */
import type { CardChannel } from '../card-channel.ts';
import type { AccessProtocol, MappingProof, OpenDocument, OpenDocumentOptions } from './document.ts';
import { CardDataError, ChipNotGenuineError, NotSupportedByCardError, SecureMessagingError, StatusWordError } from '../errors.ts';
import { performActiveAuthentication } from './active-authentication.ts';
import { performBac } from './bac.ts';
import { chipAuthenticationOf, performChipAuthentication, requireMappedChip } from './chip-authentication.ts';
import { contentOf } from './data-groups.ts';
import { documentFile, type DocumentFileName } from './document-files.ts';
import { readDocumentFile } from './file-reading.ts';
import { performPace, type PaceResult } from './pace.ts';
import { readCardAccess, selectApplication } from './find-document.ts';
import { parseCardSecurity, parseSecurityInfos } from './security-infos.ts';
import type { Exchange } from '../iso7816/exchange.ts';
import { withSecureMessaging, type SecureSession } from '../secure-messaging/secure-messaging.ts';

/**
 * What one response carries. Of 256 bytes the protection takes its part: whole blocks, the status word and the code, with their tags. Longer ones are taken as chips that
 * exist take them; a card that does not is asked for less.
 */
const SHORT_BLOCK = { '3DES': 0xe7, AES: 0xdf } as const;
const EXTENDED_BLOCK = 4_096;
/** The longest portrait that office rules and readers know is far below. */
const MAX_FILE = 0x4_0000;
const ATTEMPT = 'opening the document';

/** Throws DocumentAccessError when the document does not take what was given, NotSupportedByCardError when it offers no protocol that takes it. */
export async function openTravelDocument(channel: CardChannel, options: OpenDocumentOptions): Promise<OpenDocument> {
  const { access, randomBytes } = options;
  const infos = await readCardAccess(channel);
  const info = infos.find((one) => one.parameterId !== undefined);
  if (info) {
    const result = await performPace(channel, info, access, randomBytes);
    return await OpenedDocument.afterPace(channel, options, result);
  }
  if (access.kind !== 'mrz') throw new NotSupportedByCardError(`${ATTEMPT}: it is opened by its machine-readable zone alone`);
  if (!(await selectApplication(channel.exchange)))
    throw new NotSupportedByCardError(`${ATTEMPT}: it has no application of a document`);
  return OpenedDocument.afterBac(channel, options, await performBac(channel, access.information, randomBytes));
}

class OpenedDocument implements OpenDocument {
  readonly protocol: AccessProtocol;
  readonly #channel: CardChannel;
  readonly #options: OpenDocumentOptions;
  #exchange: Exchange;
  #blockLength: number = SHORT_BLOCK.AES;
  #mapping: MappingProof | undefined;

  private constructor(protocol: AccessProtocol, channel: CardChannel, options: OpenDocumentOptions) {
    this.protocol = protocol;
    this.#channel = channel;
    this.#options = options;
    this.#exchange = channel.exchange;
  }

  static afterBac(channel: CardChannel, options: OpenDocumentOptions, session: SecureSession): OpenedDocument {
    const document = new OpenedDocument('BAC', channel, options);
    document.#use(session);
    return document;
  }

  /** The application is selected under the keys of PACE. */
  static async afterPace(channel: CardChannel, options: OpenDocumentOptions, result: PaceResult): Promise<OpenedDocument> {
    const document = new OpenedDocument('PACE', channel, options);
    document.#use(result.session);
    if (result.chipAuthentication) document.#mapping = await document.#proveMapping(result.chipAuthentication);
    if (await selectApplication(document.#exchange)) return document;
    throw new NotSupportedByCardError(`${ATTEMPT}: it has no application of a document`);
  }

  #use(session: SecureSession): void {
    this.#exchange = withSecureMessaging(this.#channel.exchange, session);
    const short = session.suite === '3DES' ? SHORT_BLOCK['3DES'] : SHORT_BLOCK.AES;
    this.#blockLength = this.#channel.supportsExtendedLength ? EXTENDED_BLOCK : short;
  }

  get mapping(): MappingProof | undefined {
    return this.#mapping;
  }

  async read(name: DocumentFileName): Promise<Uint8Array | undefined> {
    const { onProgress } = this.#options;
    return await readDocumentFile(this.#exchange, documentFile(name), {
      blockLength: this.#blockLength,
      maxLength: MAX_FILE,
      ...(onProgress
        ? { onProgress: (readBytes: number, totalBytes: number) => onProgress({ file: name, readBytes, totalBytes }) }
        : {}),
    });
  }

  async agreeWithChip({ DG14 }: { readonly DG14: Uint8Array }): Promise<boolean> {
    const chip = chipAuthenticationOf(parseSecurityInfos(contentOf('DG14', DG14)));
    if (!chip) return false;
    await proving(async () => {
      this.#use(await performChipAuthentication(this.#exchange, chip, this.#options.randomBytes));
      // Whoever has not the key does not understand this.
      await this.read('EF.COM');
    });
    return true;
  }

  async challengeChip({ DG14, DG15 }: Parameters<OpenDocument['challengeChip']>[0]): Promise<void> {
    const infos = DG14 ? parseSecurityInfos(contentOf('DG14', DG14)) : [];
    const publicKey = contentOf('DG15', DG15);
    const { randomBytes } = this.#options;
    const options = { infos, randomBytes, ne: this.#blockLength };
    await proving(async () => {
      if (await performActiveAuthentication(this.#exchange, publicKey, options)) return;
      throw new ChipNotGenuineError("proving the chip by active authentication: the signature is not its key's");
    });
  }

  /** What is wrong with it is kept: the files can be read all the same. */
  async #proveMapping(proof: NonNullable<PaceResult['chipAuthentication']>): Promise<MappingProof> {
    const cardSecurity = await this.read('EF.CardSecurity');
    try {
      const key = cardSecurity && chipAuthenticationOf(parseCardSecurity(cardSecurity))?.key;
      if (!key) throw new CardDataError(`${ATTEMPT}: EF.CardSecurity does not name the chip's key`);
      requireMappedChip(proof, key);
      return { cardSecurity, problem: undefined };
    } catch (error) {
      if (error instanceof SecureMessagingError)
        return { cardSecurity, problem: new ChipNotGenuineError(error.message, {}, { cause: error }) };
      if (error instanceof CardDataError || error instanceof NotSupportedByCardError) return { cardSecurity, problem: error };
      throw error;
    }
  }
}

/** A chip without the key answers what cannot be opened, or refuses. */
async function proving(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof SecureMessagingError) && !(error instanceof StatusWordError)) throw error;
    const { message, statusWord } = error;
    throw new ChipNotGenuineError(message, statusWord === undefined ? {} : { statusWord }, { cause: error });
  }
}
