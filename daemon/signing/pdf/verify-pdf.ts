/**
 * The verifying side of PAdES (ETSI EN 319 142-1): what a PDF says of its signatures joined with what the CMS of each says. Neither is enough alone: a good CMS in a
 * ByteRange that leaves something out proves nothing.
 */
import { X509Certificate, createHash } from 'node:crypto';
import type { HashName } from '../cms/algorithms.ts';
import { verifySignedData, type SignedDataReport, type SignerReport, type Verdict } from '../cms/verify.ts';
import { ApiError } from '../../errors.ts';
import { inspectSignatures, type CoveredSignature, type InspectedSignature } from './inspect.ts';
import type { LaterChanges } from './later-changes.ts';

/** Formats whose Contents are a CMS over the ByteRange (12.8.3.3 and ETSI EN 319 142-1, clause 6.3). */
const DETACHED_CMS = ['ETSI.CAdES.detached', 'adbe.pkcs7.detached'];
const NO_CHANGES = 1;

/** Certificates, revocation lists and OCSP responses, DER. */
export interface PdfTrust {
  readonly anchors?: readonly Uint8Array[];
  readonly intermediates?: readonly Uint8Array[];
  readonly timeStampAnchors?: readonly Uint8Array[];
  readonly crls?: readonly Uint8Array[];
  readonly ocspResponses?: readonly Uint8Array[];
  /** Default: now. */
  readonly now?: Date;
}

export interface PdfSignatureReport extends Omit<InspectedSignature, 'covered'> {
  readonly verdict: Verdict;
  readonly coversWholeFile: boolean;
  /** Bytes from the start of the file that the signature speaks of. */
  readonly coveredBytes: number;
  readonly later: LaterChanges;
  /** Of the CMS. Absent when there is a problem with the PDF's side. */
  readonly signer?: SignerReport;
}

export interface PdfReport {
  /** The worst of its signatures'. What was changed after all of them makes it indeterminate at best, and so does a PDF without any. */
  readonly verdict: Verdict;
  readonly signatures: readonly PdfSignatureReport[];
}

const NOTHING_LATER: LaterChanges = { kind: 'none', revisions: 0, changes: [] };

/** Throws pdf_invalid, pdf_encrypted, pdf_excessive; everything else is in the report. */
export function verifyPdf(bytes: Uint8Array, trust: PdfTrust = {}): PdfReport {
  const signatures = inspectSignatures(bytes).map((signature) => verifyOne(bytes, signature, trust));
  const has = (verdict: Verdict): boolean => signatures.some((signature) => signature.verdict === verdict);
  const isChanged = signatures.some(({ later }) => later.kind === 'other');
  const isUncertain = has('indeterminate') || isChanged || signatures.length === 0;
  return { verdict: has('invalid') ? 'invalid' : isUncertain ? 'indeterminate' : 'valid', signatures };
}

function verifyOne(bytes: Uint8Array, { covered, ...said }: InspectedSignature, trust: PdfTrust): PdfSignatureReport {
  const place = {
    coversWholeFile: covered?.coversWholeFile ?? false,
    coveredBytes: covered?.end ?? 0,
    later: covered?.later ?? NOTHING_LATER,
  };
  const refuse = (problem: string, verdict: Verdict = 'invalid'): PdfSignatureReport => ({ ...said, ...place, verdict, problem });
  if (!covered) return refuse(said.problem ?? 'it covers nothing');
  if (said.format === undefined || !DETACHED_CMS.includes(said.format))
    return refuse(`its format ${said.format ?? ''} is not known`, 'indeterminate');
  const report = reportOf(bytes, covered, trust);
  if (typeof report === 'string') return refuse(report);
  const [signer] = report.signers;
  if (!signer || report.signers.length > 1) return refuse('its CMS has not exactly one signer');
  // What such a CMS signs is what it carries, and not the PDF.
  if (!report.isDetached) return refuse('its CMS carries content of its own');
  if (said.certifies === NO_CHANGES && place.later.kind !== 'none')
    return { ...refuse('it forbids any change, and the file was changed after it'), signer };
  return { ...said, ...place, verdict: signer.verdict, signer };
}

function reportOf(bytes: Uint8Array, covered: CoveredSignature, trust: PdfTrust): SignedDataReport | string {
  const certificates = (ders: readonly Uint8Array[] = []): readonly X509Certificate[] =>
    ders.map((der) => new X509Certificate(der));
  const { gapStart, gapEnd, end, cms } = covered;
  try {
    return verifySignedData(cms, {
      anchors: certificates(trust.anchors),
      intermediates: certificates(trust.intermediates),
      timeStampAnchors: certificates(trust.timeStampAnchors),
      ...(trust.crls ? { crls: trust.crls } : {}),
      ...(trust.ocspResponses ? { ocspResponses: trust.ocspResponses } : {}),
      ...(trust.now ? { now: trust.now } : {}),
      contentDigest: (hash: HashName) =>
        createHash(hash).update(bytes.subarray(0, gapStart)).update(bytes.subarray(gapEnd, end)).digest(),
    });
  } catch (error) {
    if (error instanceof ApiError && error.code === 'cms_invalid') return error.message;
    throw error;
  }
}
