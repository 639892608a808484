/** What a simulated passport can be ordered to be. Everything has a default: without a word it is a passport of Anna Lindqvist. */
import type { ActiveAuthenticationHash } from './active-authentication.ts';
import type { ChipKeyName, SignerName } from './authorities.ts';
import type { ChipAuthenticationKey, PaceVariant } from './chip.ts';
import type { MrzHolder } from './mrz.ts';
import type { SignatureHash } from '../../signature-scheme.ts';

export interface EmrtdHolder extends MrzHolder {
  /** Twelve digits. */
  readonly personalNumber?: string;
  readonly birthPlace?: string;
}

/** What is wrong with the document. */
export const EMRTD_DEFECTS = [
  /** EF.SOD has another hash of DG1. */
  'wrong hash',
  /** The portrait was changed after it was signed. */
  'tampered portrait',
  /** The signature of EF.SOD is over something else. */
  'wrong signature',
  /** The chip does not have the keys that its files tell of. */
  'cloned chip',
  /** EF.COM leaves out the last data group, and tells of one that EF.SOD does not have. */
  'other list',
  /** DG2 begins with a length that goes beyond its file. */
  'length over file',
  /** PACE with chip authentication mapping, and no EF.CardSecurity. */
  'no card security',
  /** EF.CardSecurity has the key of another chip. */
  'wrong card security',
] as const;
export type EmrtdDefect = (typeof EMRTD_DEFECTS)[number];

export interface EmrtdDescription {
  /** One of those that come with it; what is given beside it goes before. */
  readonly persona?: string;
  readonly holder?: EmrtdHolder;
  /** A passport book, or a card. */
  readonly format?: 'TD1' | 'TD3';
  readonly documentNumber?: string;
  /** YYYY-MM-DD. */
  readonly issueDate?: string;
  readonly expiryDate?: string;
  /** Six digits on the front. Default: none on a book, 123456 on a card. */
  readonly can?: string;
  /** Default: both. */
  readonly access?: readonly ('BAC' | 'PACE')[];
  /** What EF.CardAccess offers. */
  readonly pace?: readonly PaceVariant[];
  readonly chipAuthentication?: Omit<ChipAuthenticationKey, 'scalar'> | 'none';
  readonly activeAuthentication?: { readonly key: ChipKeyName; readonly hash: ActiveAuthenticationHash } | 'none';
  /** Who signed it: "expired", "revoked" and "unknown" are document signers that should not be trusted. */
  readonly signer?: SignerName;
  /** Of EF.SOD, for data groups and signature. */
  readonly hash?: SignatureHash;
  readonly portrait?: 'JPEG' | 'JPEG 2000';
  /** At least so long is a portrait in JPEG: a comment fills it up. */
  readonly portraitBytes?: number;
  /** Numbers of those that it has beside 1, 2, 14 and 15. Default: 7, 11 and 12. */
  readonly dataGroups?: readonly number[];
  /** Of the Logical Data Structure, as EF.COM writes it. From 0108 on EF.SOD tells it too. Default: 0107. */
  readonly ldsVersion?: '0106' | '0107' | '0108';
  readonly extendedLength?: boolean;
  /** Wrong card numbers in a row until the number is blocked. Default: as many as one likes. */
  readonly canTries?: number;
  readonly defects?: readonly EmrtdDefect[];
}
