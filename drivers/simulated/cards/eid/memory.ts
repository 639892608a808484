/** What a PKCS #15 card remembers: `Memory` without power, `Session` until the next reset. */
import type { Access } from './access.ts';
import type { HashName, PrivateKey } from './private-key.ts';
import type { EidProfile, Traits } from './profile.ts';

/** A PIN or PUK. */
export interface ReferenceData {
  /** Padded to its stored length. */
  block: Uint8Array;
  readonly attemptsTotal: number;
  attemptsRemaining: number;
}

export interface DirectoryFile {
  readonly kind: 'directory';
  /** DF name: the application identifier. */
  readonly name?: Uint8Array;
  readonly access: Access;
}

export interface WorkingFile {
  readonly kind: 'working';
  /** As long as the file is. */
  content: Uint8Array;
  /** 1 to 30. */
  readonly shortId?: number;
  readonly access: Access;
}

export type KeyUse = 'sign' | 'decipher';

/** An internal EF: a place for one private key. */
export interface KeyFile {
  readonly kind: 'key';
  /** What tag 84 names. */
  readonly reference: number;
  /** The PIN that must be verified for every use. */
  readonly pin: number;
  /** Each signature takes the verification of the PIN away. */
  readonly needsConsent: boolean;
  readonly uses: readonly KeyUse[];
  readonly access: Access;
  key: PrivateKey | undefined;
}

export type CardFile = DirectoryFile | WorkingFile | KeyFile;

/** From the MF, two bytes for each file identifier, in hexadecimal; "" is the MF itself. */
export type FilePath = string;

export interface Memory {
  /** By reference. */
  readonly pins: Map<number, ReferenceData>;
  readonly files: Map<FilePath, CardFile>;
}

/** A card's identity, which no command changes. */
export interface Posture {
  readonly profile: EidProfile;
  readonly traits: Traits;
  readonly serialNumber: Uint8Array;
  readonly carriesExtendedLength: boolean;
  /** SELECT of the application by its name clears what was verified; OpenSC wants it to stay. */
  readonly clearsOnSelect: boolean;
  /** Room for all files. */
  readonly capacityBytes: number;
}

/** What MSE SET put into one template. */
export interface SecurityEnvironment {
  /** Absent: the key's usual one. */
  readonly algorithm?: number;
  readonly keyFile?: FilePath;
}

export interface Session {
  directory: FilePath;
  /** The current EF, of either kind. */
  file: FilePath | undefined;
  readonly verified: Set<number>;
  signature: SecurityEnvironment;
  confidentiality: SecurityEnvironment;
  /** Reference of the hash algorithm, from the hash template. */
  hashAlgorithm: HashName | undefined;
  /** What PSO HASH left for the next signature. */
  digest: Uint8Array | undefined;
  /** First half of a cryptogram that comes in two commands. */
  halfCryptogram: Uint8Array | undefined;
}

/** A PKCS #15 card at work: what every instruction acts upon. */
export interface Eid {
  readonly posture: Posture;
  readonly memory: Memory;
  /** Replaced at every reset: an instruction that waited compares it before it writes. */
  session: Session;
  /** Says that memory has changed. */
  readonly markChanged: () => void;
}

export function newSession(): Session {
  return {
    ...{ directory: '', file: undefined, verified: new Set(), signature: {}, confidentiality: {} },
    ...{ hashAlgorithm: undefined, digest: undefined, halfCryptogram: undefined },
  };
}
