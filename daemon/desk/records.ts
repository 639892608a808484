/** What the desk knows of each reader and card, as it changes. Only the desk writes here. */
import type { Reader } from '../../api-spec/schemas.ts';
import type { CardKind, CardProfile } from '../../apdu/card-profile.ts';
import type { KeyAlgorithm, PinReference, PinStatus, TokenContents, TokenKey } from '../../apdu/token.ts';
import type { AnyConnection, ApplicationSource, ReaderSource, ReaderState } from '../../drivers/reader-source.ts';
import type { ErrorCode } from '../../api-spec/errors.ts';
import type { Turns } from '../turns.ts';
import type { TriesMemory } from '../pin/tries.ts';

export interface ReaderRecord {
  /** Stable for a name in a source, across replugging and restarts. */
  readonly id: string;
  readonly name: string;
  readonly source: ReaderSource<AnyConnection>;
  readonly queue: Turns;
  status: Reader['status'];
  /** Present while the service behind it is away. */
  awaySince?: Date;
  hasKeypad?: boolean;
  /** As the source tells now. */
  serialNumber: string | undefined;
  usbPath: string | undefined;
  isIdentityPending: boolean;
  lastState: ReaderState;
  /** What it is for; see roles.ts. */
  role: string | undefined;
  card: CardRecord | undefined;
}

export interface CardRecord {
  readonly id: string;
  readonly reader: ReaderRecord;
  readonly atr: Uint8Array;
  /** The source's number for this insertion. */
  readonly insertion: number;
  readonly insertedAt: Date;
  /** Fires when the card is gone; the reason is the error that calls then end with. */
  readonly removal: AbortController;
  readonly tries: TriesMemory;
  status: 'identifying' | 'ready' | 'unknown' | 'failed';
  /** Of a card of a known kind. */
  kind?: CardKind;
  /** Of one that is used by commands of ours. */
  profile?: CardProfile;
  /** Of one in a PC/SC reader that is used in another way. */
  through?: ApplicationSource;
  serialNumber?: string;
  /** Of the PINs that it told when it was identified. */
  firstPin?: PinReference;
  /** PINs as last read: what they are called, their lengths. How many tries they have is in `tries`. */
  pins?: readonly PinStatus[];
  /** What can be changed on it, as its application said when it was identified; undefined: nothing. */
  abilities?: CardAbilities;
  /** As last read; undefined when it must be read again. */
  contents: TokenContents | undefined;
  /** What the card's change marker was when they were read, on cards that have one. */
  changeMarker: string | undefined;
  /** When the last transaction ended with the application selected and no reset (performance.now()); undefined after any other. */
  quietSince: number | undefined;
  /** Keys made in this insertion: proof that needs no metadata. By key reference. */
  readonly generated: Map<string, GeneratedKey>;
  problem: { readonly code: ErrorCode; readonly message: string } | undefined;
  lease: Lease | undefined;
  /** Number of the latest lease. */
  fence: number;
}

export interface CardAbilities {
  /** A management key gives the right to changes; else a PIN does. */
  readonly hasManagementKey: boolean;
  readonly deletesKeys: boolean;
  /** A key can have more than one certificate. */
  readonly addsCertificates: boolean;
  /** Names and labels of keys, and labels of certificates, are whatever they are set to. */
  readonly renames: boolean;
}

export interface GeneratedKey {
  readonly algorithm: KeyAlgorithm;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
  /** Of a place of which the card tells nothing before it has a certificate. */
  readonly key?: TokenKey;
}

/** A card kept for one caller; see leases.ts. */
export interface Lease {
  readonly id: string;
  readonly fence: number;
  /** Whose it is: the connection or program that asked. */
  readonly caller: string;
  /** In plain words, for others who find the card busy. */
  readonly holder: string;
  readonly purpose: string | undefined;
  /** Milliseconds since 1970, when it began, however often it was extended. */
  readonly grantedAt: number;
  readonly expiresAt: Date;
  readonly timer: NodeJS.Timeout;
}
