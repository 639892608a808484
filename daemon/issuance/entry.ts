/** What the journal holds, one shape for each thing that can happen. Binary is base64 of DER. Written once, read for ever: a shape is never changed, only added. */
import type { KeyAlgorithm, KeyUsage } from '../../apdu/token.ts';

/** A place on the card where a key is to be made. */
export interface KeyPlace {
  readonly keyReference: string;
  readonly usage: KeyUsage;
  readonly algorithm: KeyAlgorithm;
}

export interface StoredCertificate {
  readonly keyReference: string;
  readonly der: string;
}

/** What stood on the card before the first step: what it goes back to. */
export interface CardBefore {
  /** Keys that were there, with their public half where the card told it. */
  readonly keys: readonly { readonly keyReference: string; readonly publicKey?: string }[];
  readonly certificates: readonly StoredCertificate[];
}

/** The card that a job is about: found again by both. */
export interface JobCard {
  readonly profile: string;
  readonly serialNumber: string;
}

/** Of a card job. Each change of the card has an entry before it and one after. */
export type JobEntry =
  | {
      readonly type: 'job.begun';
      readonly card: JobCard;
      readonly before: CardBefore;
      readonly places: readonly KeyPlace[];
      /** These certificates go when the new ones are confirmed. */
      readonly replaces: readonly StoredCertificate[];
      /** Among those, said to be so: the last ones of the organisation that the card was issued for first. */
      readonly removesFirst?: boolean;
    }
  | { readonly type: 'key.generating'; readonly keyReference: string }
  | { readonly type: 'key.generated'; readonly keyReference: string; readonly publicKey: string }
  | { readonly type: 'key.requested'; readonly keyReference: string; readonly request: string }
  /** An authority is asked for a certificate: from here on it may issue one, whether that arrives or not. */
  | { readonly type: 'certificate.asking'; readonly keyReference: string; readonly authority: string }
  /** Without one: `refused`: it issues none. `waits`: it is to be asked again, and may issue it yet. */
  | { readonly type: 'certificate.answered'; readonly keyReference: string; readonly answer: 'refused' | 'waits' }
  /** By an authority that kortd asked; not looked at yet. */
  | {
      readonly type: 'certificate.issued';
      readonly keyReference: string;
      readonly der: string;
      readonly authority: string;
      /** The authority waits to be told that it is taken: what that takes. Base64. */
      readonly unconfirmed?: {
        readonly transactionId: string;
        readonly certReqId: string;
        readonly peerNonce?: string;
      };
    }
  /** The authority was told that it is taken. */
  | { readonly type: 'certificate.confirmed'; readonly keyReference: string }
  /** What was issued is not what was ordered, or may not count: it is asked for anew, and this is to be revoked. `keyReference`: of that key alone. */
  | { readonly type: 'certificates.refused'; readonly problem: string; readonly keyReference?: string }
  | { readonly type: 'certificates.accepted'; readonly certificates: readonly StoredCertificate[] }
  /** The signature PIN was given once more. */
  | { readonly type: 'writing.confirmed' }
  | { readonly type: 'certificate.writing'; readonly keyReference: string }
  | { readonly type: 'certificate.written'; readonly keyReference: string }
  | { readonly type: 'job.finished' }
  | { readonly type: 'job.undoing'; readonly reason: string }
  | { readonly type: 'certificate.removing'; readonly keyReference: string; readonly der: string }
  | { readonly type: 'certificate.removed'; readonly keyReference: string; readonly der: string }
  | { readonly type: 'key.removing'; readonly keyReference: string }
  | { readonly type: 'key.removed'; readonly keyReference: string }
  /** The card cannot delete it: another one that nobody knows takes its place. */
  | { readonly type: 'key.discarding'; readonly keyReference: string }
  | { readonly type: 'key.discarded'; readonly keyReference: string }
  | { readonly type: 'job.undone' }
  /** The card will not come back. */
  | { readonly type: 'job.abandoned'; readonly reason: string }
  | { readonly type: 'job.confirming' }
  | { readonly type: 'job.confirmed' };

/** Whom a card said that somebody was, by its certificates at that moment. Never typed. */
export interface PersonSeen {
  readonly name?: string;
  readonly hsaId?: string;
  /** Those that other organisations know them by, of a card with certificates from several. */
  readonly otherHsaIds?: readonly string[];
  /** Twelve digits: personal identity number or coordination number. */
  readonly personalNumber?: string;
  readonly cardNumber?: string;
  readonly assuranceLevel?: string;
  /** SHA-256 of the certificate, hexadecimal; absent for a card that has none of a person. */
  readonly certificate?: string;
}

export interface Message {
  readonly to: string;
  readonly en: string;
  readonly sv: string;
}

/** Evidence that another part of kortd made. There is no personal data in `statement`. */
export interface Proof {
  readonly field: string;
  readonly kind: 'documentVerdict' | 'padSignature';
  /** JSON, byte for byte. */
  readonly statement: string;
  /** Of its UTF-8, hexadecimal. */
  readonly sha256: string;
  /** Detached CMS over it by the workstation. */
  readonly seal?: string;
  /** The text of the ceremony that was signed; its UTF-8 is what the statement has the SHA-256 of. */
  readonly document?: string;
}

/** Of a ceremony: a routine on its way. */
export type CeremonyEntry =
  | {
      readonly type: 'ceremony.begun';
      readonly routine: { readonly id: string; readonly version: number };
      /** Protected personal data: shown only to administrators with that right. */
      readonly isProtected: boolean;
    }
  | {
      readonly type: 'step.recorded';
      readonly step: string;
      readonly fields: Readonly<Record<string, string>>;
      /** What the fields name by an id, as it was then. */
      readonly proofs?: readonly Proof[];
    }
  | {
      readonly type: 'step.read';
      readonly step: string;
      readonly person: PersonSeen;
      /** Of its certificates, from first to last. */ readonly validDays?: number;
    }
  | {
      readonly type: 'step.signed';
      readonly step: string;
      readonly person: PersonSeen;
      readonly statement: string;
      /** Attached CMS; of a statement that several sign, all signatures until then. */
      readonly cms: string;
    }
  | {
      readonly type: 'step.pinVerified';
      readonly step: string;
      readonly person: PersonSeen;
      /** What the key under the PIN signed, and how: proof for whoever has the certificate. */
      readonly challenge: string;
      readonly algorithm: string;
      readonly signature: string;
    }
  | { readonly type: 'step.pinUnblocked'; readonly step: string; readonly person: PersonSeen; readonly pin: string }
  /** The bytes are in the folder for pictures, and nowhere else. */
  | {
      readonly type: 'step.attached';
      readonly step: string;
      readonly file: string;
      readonly sha256: string;
      readonly mediaType: string;
      readonly lengthBytes: number;
    }
  | { readonly type: 'step.messages'; readonly step: string; readonly messages: readonly Message[] }
  | { readonly type: 'step.card'; readonly step: string; readonly entry: JobEntry; readonly cardNumber?: string }
  /** The time of a step ran out. What is to be undone is undone by the job's own entries. */
  | { readonly type: 'step.late'; readonly step: string; readonly report: string }
  /** It goes on at another desk, with all entries up to this one. */
  | { readonly type: 'ceremony.exported' }
  /** It goes on at this desk. `seal`: of the desk that exported it, SHA-256 of the certificate. */
  | { readonly type: 'ceremony.imported'; readonly seal: string }
  | { readonly type: 'ceremony.finished' }
  | { readonly type: 'ceremony.cancelled'; readonly reason: string };

export type Entry = CeremonyEntry;
