/**
 * Reading a travel document while its card is held, in the order of BSI TR-03135-1, section 5.6: access, EF.COM and EF.SOD, the data groups that were asked for, and the
 * chip's proof at the end, which a copy does not survive. What the files say is looked at afterwards, when the card is free. A file that cannot be read is told, and
 * the others are read; a card that is gone ends it all.
 */
import type { CardApplication } from '../../apdu/card-profile.ts';
import {
  CardDataError,
  CardError,
  ChipNotGenuineError,
  NotSupportedByCardError,
  SecureMessagingError,
  StatusWordError,
} from '../../apdu/errors.ts';
import { parseCommonData, type CommonData } from '../../apdu/icao9303/data-groups.ts';
import type { AccessProtocol, DocumentAccess, MappingProof, OpenDocument, ReadProgress } from '../../apdu/icao9303/document.ts';
import type { DataGroup, DocumentFileName } from '../../apdu/icao9303/document-files.ts';
import { readSecurityFile, type SecurityFile } from './security-file.ts';

export interface ReadingOrder {
  readonly access: DocumentAccess;
  /** Sorted as they are to be read. */
  readonly groups: readonly DataGroup[];
  readonly provesChip: boolean;
}

export interface ReadingOptions {
  readonly randomBytes: (length: number) => Uint8Array;
  readonly onProgress: (progress: ReadProgress, groups: readonly DocumentFileName[]) => void;
}

/** What became of a file that was to be read. */
export type FileOutcome = 'absent' | 'invalid' | 'lost' | 'read' | 'refused';
/** What became of one way of proving the chip. */
export type ProofOutcome = 'absent' | 'genuine' | 'invalid' | 'lost' | 'not asked' | 'not genuine';

export interface DocumentReading {
  readonly protocol: AccessProtocol;
  readonly mapping: MappingProof | undefined;
  /** Of each file that was to be read. */
  readonly outcomes: ReadonlyMap<DocumentFileName, FileOutcome>;
  readonly files: ReadonlyMap<DocumentFileName, Uint8Array>;
  readonly common: CommonData | undefined;
  /** EF.SOD; undefined when it was not read, or is none. */
  readonly security: SecurityFile | undefined;
  readonly agreement: ProofOutcome;
  readonly challenge: ProofOutcome;
}

/** Throws DocumentAccessError, NotSupportedByCardError, what DeviceErrors there are, and the reason of the channel's signal. */
export async function readTravelDocument(
  application: CardApplication,
  order: ReadingOrder,
  options: ReadingOptions,
): Promise<DocumentReading> {
  if (!application.openDocument)
    throw new NotSupportedByCardError('reading the document: the card is no passport or identity card with one');
  let planned: readonly DocumentFileName[] = [];
  const document = await application.openDocument({
    access: order.access,
    randomBytes: options.randomBytes,
    onProgress: (progress) => options.onProgress(progress, planned),
  });
  const work = new ReadingWork(document);
  planned = ['EF.COM', 'EF.SOD', ...order.groups];
  await work.readCommon();
  planned = ['EF.COM', 'EF.SOD', ...work.groupsOf(order)];
  for (const group of work.groupsOf(order)) await work.take(group);
  if (order.provesChip) await work.proveChip();
  return work.result();
}

class ReadingWork {
  readonly #document: OpenDocument;
  readonly #outcomes = new Map<DocumentFileName, FileOutcome>();
  readonly #files = new Map<DocumentFileName, Uint8Array>();
  #common: CommonData | undefined;
  #security: SecurityFile | undefined;
  #agreement: ProofOutcome = 'not asked';
  #challenge: ProofOutcome = 'not asked';
  /** Its keys are of no use any more: an answer was not protected as it must be. */
  #isLost = false;

  constructor(document: OpenDocument) {
    this.#document = document;
  }

  async readCommon(): Promise<void> {
    const common = await this.take('EF.COM');
    this.#common = common && this.#parsed('EF.COM', () => parseCommonData(common));
    const security = await this.take('EF.SOD');
    this.#security = security && this.#parsed('EF.SOD', () => readSecurityFile(security));
  }

  /** What there is of what was asked for, with the keys of the chip where it is to prove itself. What neither list knows is told as absent, without asking. */
  groupsOf({ groups, provesChip }: ReadingOrder): readonly DataGroup[] {
    const wanted = [...new Set<DataGroup>([...groups, ...(provesChip ? (['DG14', 'DG15'] as const) : [])])];
    const listed = new Set([...(this.#common?.groups ?? []), ...(this.#security?.object?.hashes.keys() ?? [])]);
    if (listed.size === 0) return wanted;
    for (const group of groups) if (!listed.has(group)) this.#outcomes.set(group, 'absent');
    return wanted.filter((group) => listed.has(group));
  }

  async take(name: DocumentFileName): Promise<Uint8Array | undefined> {
    if (this.#isLost) {
      this.#outcomes.set(name, 'lost');
      return undefined;
    }
    try {
      const file = await this.#document.read(name);
      this.#outcomes.set(name, file ? 'read' : 'refused');
      if (file) this.#files.set(name, file);
      return file;
    } catch (error) {
      this.#outcomes.set(name, this.#outcomeOf(error));
      return undefined;
    }
  }

  #outcomeOf(error: unknown): FileOutcome {
    if (error instanceof CardDataError) return 'invalid';
    if (error instanceof StatusWordError) return 'refused';
    if (!(error instanceof SecureMessagingError)) throw error;
    this.#isLost = true;
    return 'lost';
  }

  #parsed<T>(name: DocumentFileName, parse: () => T): T | undefined {
    try {
      return parse();
    } catch (error) {
      if (!(error instanceof CardDataError)) throw error;
      this.#outcomes.set(name, 'invalid');
      return undefined;
    }
  }

  /** The signature first: a copy that fails to agree on keys is not to be spoken to any more. */
  async proveChip(): Promise<void> {
    const DG14 = this.#files.get('DG14');
    const DG15 = this.#files.get('DG15');
    this.#challenge = await this.#prove(DG15, async () => {
      if (!DG15) return false;
      await this.#document.challengeChip({ DG14, DG15 });
      return true;
    });
    this.#agreement = await this.#prove(DG14, async () => DG14 !== undefined && (await this.#document.agreeWithChip({ DG14 })));
  }

  async #prove(file: Uint8Array | undefined, work: () => Promise<boolean>): Promise<ProofOutcome> {
    if (this.#isLost) return 'lost';
    if (!file) return 'absent';
    try {
      return (await work()) ? 'genuine' : 'absent';
    } catch (error) {
      if (error instanceof ChipNotGenuineError) return 'not genuine';
      if (error instanceof CardDataError || error instanceof NotSupportedByCardError) return 'invalid';
      if (!(error instanceof CardError)) throw error;
      this.#isLost = true;
      return 'lost';
    }
  }

  result(): DocumentReading {
    return {
      protocol: this.#document.protocol,
      mapping: this.#document.mapping,
      outcomes: this.#outcomes,
      files: this.#files,
      common: this.#common,
      security: this.#security,
      agreement: this.#agreement,
      challenge: this.#challenge,
    };
  }
}
