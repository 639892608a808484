/**
 * What the simulated service answers about a document: the containers of its public API (rt*.yml), each with the keys that its description gives. Numbers are
 * written here a second time, from that description.
 */
import { formatBase64 } from '../../bytes.ts';
import type { PictureMark } from '../page-pictures.ts';
import type { PrintedDocument } from '../printed-document.ts';
import type { ServiceFaultKind } from '../service-faults.ts';
import { authenticityOf } from './authenticity.ts';
import { NEGATIVE, NEVER_HEARD_OF, NOT_DONE, POSITIVE, rectangle, worst } from './results.ts';
import { lexicalAnalysisOf, mrzTextOf, textOf, visualTextOf } from './text.ts';

export interface SeenPicture {
  readonly mark: PictureMark;
  readonly light: number;
  readonly bytes: Uint8Array;
}

export interface Seen {
  /** Undefined: no document is known by these pictures. */
  readonly document: PrintedDocument | undefined;
  readonly pictures: readonly SeenPicture[];
  readonly fault: ServiceFaultKind | undefined;
  readonly now: Date;
  /** As the caller ordered it. */
  readonly dateFormat: string;
}

export interface Container {
  readonly result_type: number;
  readonly page_idx?: number;
  readonly light?: number;
  readonly [key: string]: unknown;
}

/** e-graphic-field-type.yml. */
const PORTRAIT = 201;
const DOCUMENT_FRONT = 207;
/** e-document-type.yml. */
const PASSPORT = 11;
const IDENTITY_CARD = 12;
/** rt-doc-type-old.yml, DocumentFormat. */
const FORMAT_ID1 = 0;
const FORMAT_ID3 = 2;
const WHITE = 6;
/** Text where a picture should be. */
const NO_PICTURE = Buffer.from('This is no picture at all, whatever it is called.').toString('base64');

export function containersOf(seen: Seen): readonly Container[] {
  const { document } = seen;
  if (!document) return [statusOf(seen, POSITIVE), qualityOf()];
  const authenticity = authenticityOf(document, new Set(seen.pictures.map(({ light }) => light)), seen.fault);
  const security = worst(authenticity.map(({ Result }) => Result));
  return [
    ...seen.pictures.map((picture) => documentImage(picture, seen)),
    { result_type: 3, page_idx: 0, light: WHITE, DocVisualExtendedInfo: mrzTextOf(document) },
    { result_type: 17, page_idx: 0, light: WHITE, DocVisualExtendedInfo: visualTextOf(document, seen.dateFormat) },
    {
      result_type: 6,
      page_idx: 0,
      light: WHITE,
      DocGraphicsInfo: { pArrayFields: [graphic(PORTRAIT, portrait(seen, document))] },
    },
    { result_type: 9, page_idx: 0, OneCandidate: candidateOf(document) },
    { result_type: 15, ListVerifiedFields: lexicalAnalysisOf(document, seen.dateFormat) },
    { result_type: 20, page_idx: 0, AuthenticityCheckList: { Count: authenticity.length, List: authenticity } },
    qualityOf(),
    { result_type: 36, Text: textOf(document, seen.dateFormat, seen.fault) },
    { result_type: 37, Images: imagesOf(seen, document) },
    { result_type: 73, XML_buffer: tr03135Of(seen) },
    statusOf(seen, security),
  ];
}

function documentImage({ light, bytes }: SeenPicture, { fault }: Seen): Container {
  const image = fault === 'bad picture' ? NO_PICTURE : formatBase64(bytes);
  return { result_type: 1, page_idx: 0, light, RawImageContainer: { image, format: '.png' } };
}

function portrait({ fault }: Seen, document: PrintedDocument): string {
  return fault === 'bad picture' ? NO_PICTURE : formatBase64(document.portrait);
}

function graphic(FieldType: number, image: string): object {
  return { FieldType, FieldName: 'Portrait', FieldRect: rectangle(60, 90, 360, 460), image: { image, format: '.jpg' } };
}

function candidateOf({ format, issueDate }: PrintedDocument): object {
  const isBook = format === 'TD3';
  return {
    DocumentName: isBook ? 'Utopia - ePassport (2018)' : 'Utopia - eID Card (2021)',
    ID: isBook ? 990_000_001 : 990_000_002,
    P: 0.98,
    RFID_Presence: 1,
    FDSIDList: {
      ...{
        ICAOCode: 'UTO',
        List: [990_001],
        dType: isBook ? PASSPORT : IDENTITY_CARD,
        dFormat: isBook ? FORMAT_ID3 : FORMAT_ID1,
      },
      ...{
        dMRZ: true,
        dYear: issueDate < '2020' ? '2018' : '2021',
        dCountryName: 'Utopia',
        dDescription: 'Specimen',
        isDeprecated: false,
      },
    },
    NecessaryLights: WHITE,
    AuthenticityNecessaryLights: 6 | 24 | 128 | 3072,
  };
}

function qualityOf(): Container {
  const types = [0, 1, 2, 3, 4, 5, 7, 9];
  const List = types.map((type) => ({ type, result: POSITIVE, featureType: -1, mean: 0, std_dev: 0, probability: 100 }));
  return { result_type: 30, page_idx: 0, ImageQualityCheckList: { result: POSITIVE, Count: List.length, List } };
}

function imagesOf(seen: Seen, document: PrintedDocument): object {
  const pages = seen.pictures.map((picture) => ({
    ...{ containerType: 1, source: 'VISUAL', lightIndex: picture.light, pageIndex: 0, originalPageIndex: 0 },
    value: seen.fault === 'bad picture' ? NO_PICTURE : formatBase64(picture.bytes),
  }));
  const face = { containerType: 6, source: 'VISUAL', lightIndex: WHITE, pageIndex: 0, value: portrait(seen, document) };
  const fieldList = [
    {
      fieldName: 'Portrait',
      fieldType: PORTRAIT,
      valueCount: 1,
      valueList: [{ ...face, fieldRect: rectangle(60, 90, 360, 460) }],
    },
    { fieldName: 'Document front side', fieldType: DOCUMENT_FRONT, valueCount: pages.length, valueList: pages },
  ];
  const availableSourceList = [{ containerType: 6, source: 'VISUAL' }];
  return { availableSourceCount: 1, availableSourceList, fieldCount: fieldList.length, fieldList };
}

/** rt-status.yml. */
function statusOf({ document, fault, now }: Seen, security: number): Container {
  const has = (is: boolean): number => (is ? POSITIVE : NEGATIVE);
  const expiry = document ? has(document.expiryDate >= now.toISOString().slice(0, 10)) : NOT_DONE;
  const mrz = document ? has(!document.defects.has('wrong check digit')) : NOT_DONE;
  const text = document ? worst([expiry, mrz, has(!document.defects.has('other name'))]) : NOT_DONE;
  const docType = has(document !== undefined);
  const checked = document ? security : NOT_DONE;
  const optical = fault === 'unknown verdict' ? NEVER_HEARD_OF : worst([docType, expiry, mrz, text, checked]);
  return {
    result_type: 33,
    Status: {
      ...{
        overallStatus: optical,
        optical,
        portrait: NOT_DONE,
        rfid: NOT_DONE,
        stopList: NOT_DONE,
        mDL: NOT_DONE,
        age: NOT_DONE,
      },
      detailsAge: { threshold: 0, overThreshold: 2, over18: 2, over21: 2, over25: 2, over65: 2 },
      detailsOptical: {
        ...{
          overallStatus: optical,
          docType,
          expiry,
          imageQA: POSITIVE,
          mrz,
          pagesCount: document ? 1 : 0,
          security: checked,
          text,
          vds: 2,
        },
      },
      detailsRFID: { overallStatus: NOT_DONE, AA: 2, BAC: 2, CA: 2, PA: 2, PACE: 2, TA: 2 },
    },
  };
}

/** Its form is not public in what is at hand: a well-formed log with nothing of the holder in it. */
function tr03135Of({ now }: Seen): string {
  return `<?xml version="1.0" encoding="UTF-8"?><DocumentCheck simulated="true"><Time>${now.toISOString()}</Time></DocumentCheck>`;
}
