/**
 * Signs a PDF with a card (PAdES baseline, ETSI EN 319 142-1, clause 6: B-B, or B-T with a time stamp). The PDF is made ready before anybody is asked for anything,
 * and what comes of it is verified before it is given out.
 */
import { X509Certificate } from 'node:crypto';
import { SIGNATURE_SCHEMES } from '../../../apdu/signature-encoding.ts';
import { createSignedData, type Sign, type Signer } from '../cms/signed-data.ts';
import { embedSignature } from './embed.ts';
import { prepareInThread, verifyInThread } from './jobs.ts';
import type { PreparedPdf, VisibleSignature } from './prepare.ts';
import type { PdfSignatureReport } from './verify-pdf.ts';

/** Signature, attributes and what encodes them, beside the certificates: an RSA signature of 4096 bits takes under 2 KB. */
const SIGNATURE_ROOM_BYTES = 4_096;
/** A token with the certificates of its authority. */
const TIME_STAMP_ROOM_BYTES = 16_384;

export interface PdfSigningOptions {
  readonly signer: Signer;
  readonly field?: string;
  readonly visible?: Omit<VisibleSignature, 'lines'> & { readonly language: 'en' | 'sv'; readonly lines?: readonly string[] };
  readonly reason?: string;
  readonly location?: string;
  readonly time: Date;
  readonly hasTimeStamp: boolean;
}

/** A PDF that waits for the card. */
export interface PdfToSign {
  readonly prepared: PreparedPdf;
  readonly signer: Signer;
}

export interface SignedPdf {
  readonly bytes: Uint8Array;
  readonly field: string;
  readonly signature: PdfSignatureReport;
}

/** Throws what is wrong with the PDF or with what is asked of it, while no card was touched. */
export async function preparePdf(pdf: Uint8Array, options: PdfSigningOptions, signal: AbortSignal): Promise<PdfToSign> {
  const { signer, hasTimeStamp, visible, field, reason, location, time } = options;
  const certificates = [signer.certificate, ...signer.chain].reduce((sum, { length }) => sum + length, 0);
  const name = commonNameOf(signer.certificate);
  const told = { ...(reason === undefined ? {} : { reason }), ...(location === undefined ? {} : { location }) };
  const prepared = await prepareInThread(
    pdf,
    {
      ...told,
      ...(field === undefined ? {} : { field }),
      ...(visible ? { visible: { ...visible, lines: visible.lines ?? linesOf({ name, time, ...told }, visible.language) } } : {}),
      name,
      time,
      signatureBytes: certificates + SIGNATURE_ROOM_BYTES + (hasTimeStamp ? TIME_STAMP_ROOM_BYTES : 0),
      hash: SIGNATURE_SCHEMES[signer.algorithm].hash,
    },
    signal,
  );
  return { prepared, signer };
}

/** The CMS of it: within the card's transaction. Throws public_key_mismatch. */
export async function signPrepared({ prepared, signer }: PdfToSign, sign: Sign): Promise<Uint8Array> {
  const { hash } = SIGNATURE_SCHEMES[signer.algorithm];
  return await createSignedData({ contentDigest: prepared.digest, hash, profile: 'pades', signer }, sign);
}

/** Puts the CMS, with its time stamp if it has one, into the PDF. It verifies, or this throws. */
export async function finishPdf({ prepared }: PdfToSign, cms: Uint8Array, signal: AbortSignal): Promise<SignedPdf> {
  embedSignature(prepared, cms);
  const { bytes, field } = prepared;
  const { signatures } = await verifyInThread(bytes, {}, signal);
  const signature = signatures.find((found) => found.field === field);
  const { signer } = signature ?? {};
  const isGood = signer?.digest === 'match' && signer.signature === 'good' && signer.signingCertificate === 'match';
  if (!signature?.coversWholeFile || !isGood) {
    const why = signature?.problem ?? signer?.reasons[0]?.text ?? 'it has no such signature';
    throw new Error(`a signed PDF does not verify: ${why}`);
  }
  return { bytes, field, signature };
}

const LABELS = {
  en: { name: 'Signed by', time: 'Time:', reason: 'Reason:', location: 'Place:' },
  sv: { name: 'Undertecknat av', time: 'Tid:', reason: 'Skäl:', location: 'Ort:' },
};

function linesOf(
  {
    name,
    time,
    reason,
    location,
  }: { readonly name: string; readonly time: Date; readonly reason?: string; readonly location?: string },
  language: 'en' | 'sv',
): readonly string[] {
  const labels = LABELS[language];
  return [
    `${labels.name} ${name}`,
    `${labels.time} ${localTime(time)}`,
    ...(reason === undefined ? [] : [`${labels.reason} ${reason}`]),
    ...(location === undefined ? [] : [`${labels.location} ${location}`]),
  ];
}

/** Of this computer's zone, which is told: "2026-03-01 14:05:09 +01:00". */
export function localTime(time: Date): string {
  const offset = -time.getTimezoneOffset();
  const local = new Date(time.getTime() + offset * 60_000).toISOString();
  const two = (value: number): string => String(Math.trunc(value)).padStart(2, '0');
  const zone = `${offset < 0 ? '-' : '+'}${two(Math.abs(offset) / 60)}:${two(Math.abs(offset) % 60)}`;
  return `${local.slice(0, 10)} ${local.slice(11, 19)} ${zone}`;
}

/** What a certificate calls its holder: the common name, or else all of the subject. */
export function commonNameOf(certificate: Uint8Array): string {
  const { subject } = new X509Certificate(certificate);
  return /^CN=(.+)$/m.exec(subject)?.[1]?.replaceAll(/\\(.)/g, '$1') ?? subject.replaceAll('\n', ', ');
}
