/** Where things are in a container, and what its files say. Read for as long as containers are kept: a name or a field is never changed, only added. */

/** ETSI EN 319 162-1, section 4.3.3.1 and 4.4.4. */
export const MIMETYPE_FILE = 'mimetype';
export const MIMETYPE = 'application/vnd.etsi.asic-e+zip';
export const MANIFEST_FILE = 'META-INF/ASiCManifest.xml';
export const SEAL_SIGNATURE_FILE = 'META-INF/signature.p7s';

export const SUMMARY_FILE = 'summary.json';
export const SUMMARY_PAGE = 'summary.html';
export const JOURNAL_FILE = 'journal.jsonl';
export const AUDIT_FILE = 'audit.jsonl';
export const ATTACHMENT_FOLDER = 'attachments';

export const SUMMARY_FORMAT = 'kortd-evidence-1';

export const statementText = (step: string): string => `statements/${step}.txt`;
export const statementCms = (step: string): string => `statements/${step}.p7s`;

/** One line of the journal. `body` is the text that the hash is over. */
export interface JournalLine {
  readonly ceremony: string;
  readonly number: number;
  readonly time: string;
  readonly body: string;
  readonly previous: string;
  readonly hash: string;
}

interface Texts {
  readonly en: string;
  readonly sv: string;
}

export interface StepSummary {
  readonly id: string;
  readonly kind: string;
  readonly title: Texts;
  readonly time: string;
  /** What the routine calls who took it. */
  readonly by?: Texts;
  /** Whom the card said that it was. */
  readonly person?: Readonly<Record<string, string>>;
}

export interface CardSummary {
  readonly step: string;
  readonly profile: string;
  readonly serialNumber: string;
  readonly cardNumber?: string;
  readonly certificates: readonly {
    readonly file: string;
    readonly subject: string;
    readonly issuer: string;
    readonly serialNumber: string;
    readonly notBefore: string;
    readonly notAfter: string;
    /** SHA-256, hexadecimal. */
    readonly fingerprint: string;
  }[];
}

export interface EvidenceSummary {
  readonly format: typeof SUMMARY_FORMAT;
  readonly ceremony: string;
  readonly routine: { readonly id: string; readonly version: number; readonly title: Texts };
  readonly state: string;
  readonly startedAt: string;
  readonly endedAt: string;
  readonly keepUntil: string;
  readonly isProtected: boolean;
  readonly reports: readonly string[];
  readonly steps: readonly StepSummary[];
  readonly cards: readonly CardSummary[];
  /** Hash of the last entry of the journal. */
  readonly journalHead: string;
}
