/** Which data groups a described document has, and their contents in order. */
import { encodeTlv } from '../../../../apdu/tlv/ber-tlv.ts';
import type { ChipAuthenticationKey } from './chip.ts';
import {
  encodeEmptyBiometrics,
  encodeFaceGroup,
  encodeListedGroup,
  encodeMrzGroup,
  encodeSignatureGroup,
} from './data-groups.ts';
import type { EmrtdDescription } from './description.ts';
import { portraitImage, signatureImage } from './portraits.ts';
import { activeAuthenticationInfo, chipAuthenticationInfos, encodeSecurityInfosGroup, paceInfos } from './security-infos.ts';

/** That may be ordered; DG1 and DG2 are always there, DG14 and DG15 come with what they hold. */
export const OPTIONAL_DATA_GROUPS: readonly number[] = [3, 4, 7, 11, 12, 13];
const ISSUING_AUTHORITY = 'BENCH POLICE UTOPIA';

type Filled = Required<Omit<EmrtdDescription, 'can' | 'canTries' | 'persona'>>;
/** With every default in it. */
export type FilledDescription = Filled & { readonly can?: string; readonly canTries: number | undefined };

export interface DataGroup {
  readonly number: number;
  readonly content: Uint8Array;
}

export interface GroupSources {
  readonly lines: readonly string[];
  readonly chipAuthentication?: ChipAuthenticationKey;
  /** SubjectPublicKeyInfo, DER. */
  readonly activeAuthentication?: Uint8Array;
}

export function encodeDataGroups(description: FilledDescription, sources: GroupSources): readonly DataGroup[] {
  const { holder, portrait, portraitBytes, dataGroups } = description;
  const optional = dataGroups.map((number) => ({ number, content: encodeOptional(number, description) }));
  const infos = securityInfos(description, sources);
  const key = sources.activeAuthentication;
  return [
    { number: 1, content: encodeMrzGroup(sources.lines) },
    { number: 2, content: encodeFaceGroup(portraitImage(portrait, portraitBytes), holder.sex) },
    ...optional.toSorted((left, right) => left.number - right.number),
    ...(infos.length > 0 ? [{ number: 14, content: encodeSecurityInfosGroup(infos) }] : []),
    ...(key ? [{ number: 15, content: encodeTlv(0x6f, key) }] : []),
  ];
}

/** DG14: chip authentication, PACE once more, and the hash of ECDSA. */
function securityInfos({ access, pace, activeAuthentication }: FilledDescription, sources: GroupSources): readonly Uint8Array[] {
  const { chipAuthentication } = sources;
  const isEcdsa = activeAuthentication !== 'none' && !activeAuthentication.key.startsWith('RSA');
  return [
    ...(chipAuthentication ? chipAuthenticationInfos(chipAuthentication) : []),
    ...(access.includes('PACE') ? paceInfos(pace) : []),
    ...(isEcdsa ? [activeAuthenticationInfo(activeAuthentication.hash)] : []),
  ];
}

function encodeOptional(number: number, { holder, issueDate }: FilledDescription): Uint8Array {
  switch (number) {
    case 3:
      return encodeEmptyBiometrics(0x63);
    case 4:
      return encodeEmptyBiometrics(0x76);
    case 7:
      return encodeSignatureGroup(signatureImage());
    case 11:
      return encodeListedGroup(0x6b, personalDetails(holder));
    case 12:
      return encodeListedGroup(0x6c, [
        [0x5f19, ISSUING_AUTHORITY],
        [0x5f26, issueDate.replaceAll('-', '')],
      ]);
    case 13:
      return encodeTlv(0x6d, encodeTlv(0x04, new TextEncoder().encode('BENCH')));
    default:
      throw new RangeError(`there is no data group ${number} here`);
  }
}

/** In the order of section 4.7.11 of 9303-10: name, personal number, date and place of birth. */
function personalDetails({
  surname,
  givenNames,
  personalNumber,
  birthDate,
  birthPlace,
}: FilledDescription['holder']): readonly (readonly [number, string])[] {
  return [
    [0x5f0e, `${surname}<<${givenNames.replaceAll(' ', '<')}`],
    ...(personalNumber === undefined ? [] : [[0x5f10, personalNumber] as const]),
    [0x5f2b, birthDate.replaceAll('-', '')],
    ...(birthPlace === undefined ? [] : [[0x5f11, birthPlace] as const]),
  ];
}
