/** A travel document that was read, looked at: checks, the machine-readable zone, details and pictures. The card is free by then. */
import { CardDataError } from '../../apdu/errors.ts';
import {
  parseDataGroup1,
  parseDataGroup11,
  parseDataGroup12,
  parseDataGroup7,
  type DocumentDetails,
  type PersonalDetails,
} from '../../apdu/icao9303/data-groups.ts';
import type { DataGroup } from '../../apdu/icao9303/document-files.ts';
import { parseDataGroup2 } from '../../apdu/icao9303/facial-image.ts';
import type { Mrz } from '../../apdu/icao9303/mrz.ts';
import type { CertificateFacts } from '../identity/certificate-facts.ts';
import type { Check, Verdict } from './check.ts';
import type { CountrySigners } from './country-signers.ts';
import type { DocumentReading, FileOutcome } from './document-reading.ts';
import { checkElectronically } from './electronic-checks.ts';
import { checkDigits } from './mrz-checks.ts';
import { preparePicture, type Picture, type PictureReport } from './pictures.ts';

export interface Passport {
  readonly verdicts: { readonly passive: Verdict; readonly chip: Verdict };
  readonly checks: readonly Check[];
  readonly mrz: Mrz | undefined;
  readonly person: PersonalDetails | undefined;
  readonly document: DocumentDetails | undefined;
  readonly portrait: Picture | undefined;
  readonly signature: Picture | undefined;
  readonly signer: CertificateFacts | undefined;
}

export interface PassportOptions {
  readonly signers: CountrySigners;
  readonly now: Date;
  readonly signal: AbortSignal;
}

export async function examinePassport(reading: DocumentReading, { signers, now, signal }: PassportOptions): Promise<Passport> {
  const contents = new Contents(reading);
  const mrz = contents.of('DG1', parseDataGroup1);
  const document = contents.of('DG12', parseDataGroup12);
  const person = contents.of('DG11', parseDataGroup11);
  const portraits = contents.of('DG2', parseDataGroup2);
  const signatures = contents.of('DG7', parseDataGroup7);
  const portrait = portraits && (await preparePicture('DG2', portraits[0]?.bytes, signal));
  const signature = signatures && (await preparePicture('DG7', signatures[0], signal));
  const question = { signers, issuer: mrz?.issuer, issueDate: document?.issueDate, now };
  const electronic = checkElectronically({ ...reading, outcomes: contents.outcomes }, question);
  const pictures = [portrait, signature].filter((one): one is PictureReport => one !== undefined);
  return {
    verdicts: { passive: electronic.passive.verdict, chip: electronic.chip },
    checks: [...electronic.checks, ...pictures.map(({ check }) => check), ...(mrz ? checkDigits(mrz, 'mrz.chip') : [])],
    ...{ mrz, person, document },
    portrait: portrait?.picture,
    signature: signature?.picture,
    signer: electronic.passive.signer,
  };
}

/** What the files say. One that was read whole and says nothing that can be understood is told as invalid. */
class Contents {
  readonly outcomes: Map<DataGroup | 'EF.COM' | 'EF.SOD' | 'EF.CardAccess' | 'EF.CardSecurity', FileOutcome>;
  readonly #files: DocumentReading['files'];

  constructor({ files, outcomes }: DocumentReading) {
    this.#files = files;
    this.outcomes = new Map(outcomes);
  }

  of<T>(group: DataGroup, parse: (file: Uint8Array) => T): T | undefined {
    const file = this.#files.get(group);
    if (!file) return undefined;
    try {
      return parse(file);
    } catch (error) {
      if (!(error instanceof CardDataError)) throw error;
      this.outcomes.set(group, 'invalid');
      return undefined;
    }
  }
}
