import type { X509Certificate } from 'node:crypto';
import type { Result } from '../../../api-spec/methods/index.ts';
import { parseCertificate } from '../../signing/certificate.ts';
import type { SignedDataReport, SignerReport, TimeStampReport } from '../../signing/cms/report.ts';
import type { TrustMaterial } from '../../signing/cms/verify.ts';
import type { PdfReport, PdfTrust } from '../../signing/pdf/verify-pdf.ts';
import type { Call, Handlers, PublicParams } from '../call.ts';
import { bytesOf, contentOf, invalidContent, type BytesParam } from './content.ts';
import type { HandlerContext } from './context.ts';

type VerifyParams = PublicParams<'signature.verify'>;

export function signatureHandlers(context: HandlerContext): Pick<Handlers, 'signature.verify'> {
  return {
    'signature.verify': async (params, call) => {
      const { cms, pdf, content } = params;
      if (pdf && !cms) {
        if (content) throw invalidContent(call, 'content is for a CMS: a PDF holds what was signed');
        const { verifyInThread } = await import('../../signing/pdf/jobs.ts');
        return describePdf(await verifyInThread(bytesOf(context, pdf, call), pdfTrust(context, params, call), call.signal));
      }
      if (!cms || pdf) throw invalidContent(call, 'one of cms and pdf is wanted');
      return await verifyCms(context, { ...params, cms }, call);
    },
  };
}

async function verifyCms(
  context: HandlerContext,
  params: VerifyParams & { readonly cms: BytesParam },
  call: Call,
): Promise<Result<'signature.verify'>> {
  const cms = bytesOf(context, params.cms, call);
  const content = params.content && contentOf(context, params.content, call);
  // What reads lists and responses takes 40 ms to load, and most sessions never need it.
  const { verifySignedData } = await import('../../signing/cms/verify.ts');
  const report = verifySignedData(cms, {
    ...(content ? { contentDigest: content.digestOf } : {}),
    ...trustOf(context, params, call),
  });
  if (content && !report.isDetached) throw invalidContent(call, 'content is for a detached signature; this one holds its own');
  return describeReport(report);
}

/** What the call gives, or else what is configured. */
function trustOf(context: HandlerContext, params: VerifyParams, call: Call): TrustMaterial {
  const { timeStamp } = context.access.policy;
  const configured = context.identity();
  const bytes = (sources: readonly BytesParam[] = []): readonly Uint8Array[] =>
    sources.map((source) => bytesOf(context, source, call));
  return {
    anchors: certificatesFrom(params.trustAnchors) ?? configured.anchors.map(({ x509 }) => x509),
    timeStampAnchors: certificatesFrom(params.timeStampAnchors) ?? timeStamp?.trustAnchors ?? [],
    intermediates: [...(certificatesFrom(params.certificates) ?? []), ...configured.intermediates.map(({ x509 }) => x509)],
    crls: bytes(params.crls),
    ocspResponses: bytes(params.ocspResponses),
  };
}

/** The same, for another thread. */
function pdfTrust(context: HandlerContext, params: VerifyParams, call: Call): PdfTrust {
  const { anchors, timeStampAnchors, intermediates, ...lists } = trustOf(context, params, call);
  const ders = (certificates: readonly X509Certificate[]): readonly Uint8Array[] =>
    certificates.map(({ raw }) => new Uint8Array(raw));
  return {
    ...lists,
    anchors: ders(anchors),
    timeStampAnchors: ders(timeStampAnchors),
    intermediates: ders(intermediates),
  };
}

/** Signers in the order of their signatures, each of which tells which one is its own. */
function describePdf({ verdict, signatures }: PdfReport): Result<'signature.verify'> {
  const signers = signatures.flatMap(({ signer }) => signer ?? []);
  return {
    verdict,
    detached: true,
    signers: signers.map(describeSigner),
    signatures: signatures.map(({ signer, later, ...signature }) => ({
      ...signature,
      ...(signer ? { signer: signers.indexOf(signer) } : {}),
      laterChanges: later.kind,
      laterRevisions: later.revisions,
      changes: [...later.changes],
    })),
  };
}

function certificatesFrom(texts: readonly string[] | undefined): readonly X509Certificate[] | undefined {
  return texts?.map(parseCertificate);
}

/** The same for whatever carries a CMS. */
export function describeReport({ verdict, isDetached, signers }: SignedDataReport): Result<'signature.verify'> {
  return { verdict, detached: isDetached, signers: signers.map(describeSigner) };
}

export function describeSigner(signer: SignerReport): Result<'signature.verify'>['signers'][number] {
  const { certificateDer: _, certificate, claimedTime, validity, revocation, timeStamp, reasons, ...rest } = signer;
  const { revokedAt, ...status } = revocation;
  return {
    ...rest,
    reasons: reasons.map((reason) => ({ ...reason })),
    ...(certificate
      ? {
          certificate: {
            ...certificate,
            notBefore: certificate.notBefore.toISOString(),
            notAfter: certificate.notAfter.toISOString(),
          },
        }
      : {}),
    ...(claimedTime ? { claimedTime: claimedTime.toISOString() } : {}),
    validity: { at: validity.at.toISOString(), source: validity.source },
    revocation: { ...status, ...(revokedAt ? { revokedAt: revokedAt.toISOString() } : {}) },
    ...(timeStamp ? { timeStamp: describeTimeStamp(timeStamp) } : {}),
  };
}

function describeTimeStamp({ verdict, time, authority, reasons }: TimeStampReport) {
  return {
    verdict,
    ...(time ? { time: time.toISOString() } : {}),
    ...(authority === undefined ? {} : { authority }),
    reasons: reasons.map((reason) => ({ ...reason })),
  };
}
