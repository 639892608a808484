/**
 * Electronic passports and identity cards (ICAO Doc 9303-10 and -11): opened by PACE where EF.CardAccess names it, else by BAC; then the files, and the proof of the chip.
 */
import { parseHex } from '../bytes.ts';
import type { CardChannel } from '../card-channel.ts';
import type { AccessProtocol, ChipProof, OpenDocument, OpenDocumentOptions } from './document.ts';
import { ChipNotGenuineError, NotSupportedByCardError, SecureMessagingError, StatusWordError } from '../errors.ts';
import { performActiveAuthentication } from './active-authentication.ts';
import { performBac } from './bac.ts';
import { chipAuthenticationOf, performChipAuthentication, requireMappedChip } from './chip-authentication.ts';
import { contentOf } from './data-groups.ts';
import { documentFile, type DocumentFileName } from './document-files.ts';
import { readDocumentFile } from './file-reading.ts';
import { performPace, type PaceResult } from './pace.ts';
import { paceInfosOf, parseCardSecurity, parseSecurityInfos, type PaceInfo } from './security-infos.ts';
import { MAX_SHORT_NE } from '../iso7816/command-apdu.ts';
import type { Exchange } from '../iso7816/exchange.ts';
import { SW_SUCCESS } from '../iso7816/status-word.ts';
import { withSecureMessaging, type SecureSession } from '../secure-messaging/secure-messaging.ts';

/** 9303-10, section 3.9.2. */
const APPLICATION_ID = parseHex('A0000002471001');
const INS_SELECT = 0xa4;
const P1_BY_DF_NAME = 0x04;
const P1_BY_IDENTIFIER = 0x00;
const P2_NO_RESPONSE = 0x0c;
const MASTER_FILE = parseHex('3F00');
/**
 * What one response carries. Of 256 bytes the protection takes its part: whole blocks, the status word and the code, with their tags. Longer ones are taken as chips that
 * exist take them; a card that does not is asked for less.
 */
const SHORT_BLOCK = { '3DES': 0xe7, AES: 0xdf } as const;
const EXTENDED_BLOCK = 4_096;
/** The longest portrait that office rules and readers know is far below. */
const MAX_FILE = 0x4_0000;
const MAX_INFO_FILE = 0x2000;
const ATTEMPT = 'opening the document';

/** A document that wants PACE first may not show its application before, but has EF.CardAccess for everybody. */
export async function isTravelDocument(channel: CardChannel): Promise<boolean> {
  if (await selectApplication(channel.exchange)) return true;
  return (await readCardAccess(channel)).length > 0;
}

async function selectApplication(exchange: Exchange): Promise<boolean> {
  const command = { cla: 0x00, ins: INS_SELECT, p1: P1_BY_DF_NAME, p2: P2_NO_RESPONSE, data: APPLICATION_ID };
  return (await exchange(command)).statusWord === SW_SUCCESS;
}

/** Some chips stay in the application that was selected, and have the master file selected by its identifier; others know of none. */
async function selectMasterFile(exchange: Exchange): Promise<void> {
  await exchange({ cla: 0x00, ins: INS_SELECT, p1: P1_BY_IDENTIFIER, p2: P2_NO_RESPONSE, data: MASTER_FILE });
}

async function readCardAccess({ exchange }: CardChannel): Promise<readonly PaceInfo[]> {
  await selectMasterFile(exchange);
  const options = { blockLength: MAX_SHORT_NE, maxLength: MAX_INFO_FILE };
  try {
    const file = await readDocumentFile(exchange, documentFile('EF.CardAccess'), options);
    return file ? paceInfosOf(parseSecurityInfos(file)) : [];
  } catch (error) {
    // Chips of BAC alone answer as they like to what they do not know.
    if (error instanceof StatusWordError) return [];
    throw error;
  }
}

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
  /** Proven with PACE. */
  #hasMappedChip = false;

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
    if (result.chipAuthentication) await document.#proveMapping(result.chipAuthentication);
    if (await selectApplication(document.#exchange)) return document;
    throw new NotSupportedByCardError(`${ATTEMPT}: it has no application of a document`);
  }

  #use(session: SecureSession): void {
    this.#exchange = withSecureMessaging(this.#channel.exchange, session);
    const short = session.suite === '3DES' ? SHORT_BLOCK['3DES'] : SHORT_BLOCK.AES;
    this.#blockLength = this.#channel.supportsExtendedLength ? EXTENDED_BLOCK : short;
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

  async proveChip(files: { readonly DG14?: Uint8Array; readonly DG15?: Uint8Array }): Promise<ChipProof | undefined> {
    const infos = files.DG14 ? parseSecurityInfos(contentOf('DG14', files.DG14)) : [];
    const chip = chipAuthenticationOf(infos);
    if (chip) {
      await proving(async () => {
        this.#use(await performChipAuthentication(this.#exchange, chip, this.#options.randomBytes));
        // Whoever has not the key does not understand this.
        await this.read('EF.COM');
      });
      return 'chip authentication';
    }
    if (files.DG15) {
      const publicKey = contentOf('DG15', files.DG15);
      const { randomBytes } = this.#options;
      const ne = this.#blockLength;
      const isGenuine = await performActiveAuthentication(this.#exchange, publicKey, { infos, randomBytes, ne });
      if (!isGenuine) throw new ChipNotGenuineError("proving the chip by active authentication: the signature is not its key's");
      return 'active authentication';
    }
    return this.#hasMappedChip ? 'chip authentication mapping' : undefined;
  }

  async #proveMapping(proof: NonNullable<PaceResult['chipAuthentication']>): Promise<void> {
    const security = await this.read('EF.CardSecurity');
    const key = security && chipAuthenticationOf(parseCardSecurity(security))?.key;
    if (!key) throw new NotSupportedByCardError(`${ATTEMPT}: EF.CardSecurity does not name the chip's key`);
    await proving(async () => {
      await Promise.resolve();
      requireMappedChip(proof, key);
    });
    this.#hasMappedChip = true;
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
