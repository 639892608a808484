/**
 * Where the application is: EF.DIR (ISO/IEC 7816-4:2020, section 12.3.3; ISO/IEC 7816-15:2016, section 7.4), and the names that cards of this kind go by.
 */
import { equalBytes, formatHex, parseHex } from '../../bytes.ts';
import { decodeTlv, findTlv } from '../../tlv/ber-tlv.ts';
import { Elements, TAG_OBJECT_IDENTIFIER, TAG_OCTET_STRING, TAG_SEQUENCE, parsing } from './der.ts';
import { parsePath, type FilePath } from './path.ts';

/** RID of RSA Laboratories and "PKCS-15" (PKCS #15 v1.1, section 5.7.2). */
export const PKCS15_APPLICATION_ID: Uint8Array = parseHex('A000000063504B43532D3135');
/** What the AID of an ISO/IEC 7816-15 application begins with: standard 7816, part 15 (ISO/IEC 7816-4:2020, section 12.3.4). */
const ISO7816_15_PREFIX = parseHex('E828BD080F');

export interface ApplicationPlace {
  /** Absent when EF.DIR names the application by its path alone. */
  readonly applicationId?: Uint8Array;
  /** Of its DF, from the MF: "3F005015". Absent when nothing told it. */
  readonly path?: string;
  /** Where EF.OD is, when not 5031 in the application's DF. */
  readonly objectDirectory?: FilePath;
  /** Where EF.CIAInfo is, when not 5032. */
  readonly cardInformation?: FilePath;
}

const TAG_APPLICATION_TEMPLATE = 0x61;
const TAG_APPLICATION_ID = 0x4f;
const TAG_PATH = 0x51;
const TAG_DISCRETIONARY_OBJECTS = 0x73;
const TAG_INFORMATION_PATH = 0xa0;

/** The cryptographic information applications that EF.DIR names, in its order. */
export function parseApplicationDirectory(content: Uint8Array): readonly ApplicationPlace[] {
  return parsing('EF.DIR', () =>
    decodeTlv(content)
      .filter(({ tag }) => tag === TAG_APPLICATION_TEMPLATE)
      .map(({ value }) => parseTemplate(value))
      .filter(({ applicationId }) => applicationId && isOurs(applicationId)),
  );
}

function isOurs(applicationId: Uint8Array): boolean {
  return [PKCS15_APPLICATION_ID, ISO7816_15_PREFIX].some((prefix) =>
    equalBytes(applicationId.subarray(0, prefix.length), prefix),
  );
}

function parseTemplate(template: Uint8Array): ApplicationPlace {
  const objects = decodeTlv(template);
  const applicationId = findTlv(objects, TAG_APPLICATION_ID);
  const path = findTlv(objects, TAG_PATH);
  const hasPath = path && path.length >= 2 && path.length % 2 === 0 && path.length <= 16;
  return {
    ...(applicationId ? { applicationId } : {}),
    ...(hasPath ? { path: formatHex(path) } : {}),
    ...parseDiscretionary(findTlv(objects, TAG_DISCRETIONARY_OBJECTS)),
  };
}

/** DDO or CIODDO: identifier of the provider, path of EF.OD, [0] path of EF.CIAInfo. */
function parseDiscretionary(content: Uint8Array | undefined): Pick<ApplicationPlace, 'objectDirectory' | 'cardInformation'> {
  if (!content) return {};
  const elements = new Elements(content);
  elements.take(TAG_OBJECT_IDENTIFIER);
  const objectDirectory = parseFilePath(elements.take(TAG_SEQUENCE));
  const cardInformation = parseFilePath(elements.take(TAG_INFORMATION_PATH));
  return { ...(objectDirectory ? { objectDirectory } : {}), ...(cardInformation ? { cardInformation } : {}) };
}

/** The path itself may be wrapped once more: some cards write [0] as an explicit tag. */
function parseFilePath(content: Uint8Array | undefined): FilePath | undefined {
  if (!content) return undefined;
  return new Elements(content).find(TAG_OCTET_STRING)
    ? parsePath(content)
    : parsePath(new Elements(content).take(TAG_SEQUENCE) ?? new Uint8Array());
}
