import type { X509Certificate } from 'node:crypto';
import type { Result } from '../../../api-spec/methods/index.ts';
import { parseCertificate } from '../../signing/certificate.ts';
import type { SignedDataReport, SignerReport, TimeStampReport } from '../../signing/cms/report.ts';
import type { Handlers } from '../call.ts';
import { bytesOf, contentOf, invalidContent, type BytesParam } from './content.ts';
import type { HandlerContext } from './context.ts';

export function signatureHandlers(context: HandlerContext): Pick<Handlers, 'signature.verify'> {
  return {
    'signature.verify': async (params, call) => {
      const cms = bytesOf(context, params.cms, call);
      const content = params.content && contentOf(context, params.content, call);
      const bytes = (sources: readonly BytesParam[] = []): readonly Uint8Array[] =>
        sources.map((source) => bytesOf(context, source, call));
      const configured = context.identity();
      const { timeStamp } = context.access.policy;
      // What reads lists and responses takes 40 ms to load, and most sessions never need it.
      const { verifySignedData } = await import('../../signing/cms/verify.ts');
      const report = verifySignedData(cms, {
        ...(content ? { contentDigest: content.digestOf } : {}),
        anchors: certificatesFrom(params.trustAnchors) ?? configured.anchors.map(({ x509 }) => x509),
        timeStampAnchors: certificatesFrom(params.timeStampAnchors) ?? timeStamp?.trustAnchors ?? [],
        intermediates: [...(certificatesFrom(params.certificates) ?? []), ...configured.intermediates.map(({ x509 }) => x509)],
        crls: bytes(params.crls),
        ocspResponses: bytes(params.ocspResponses),
      });
      if (content && !report.isDetached)
        throw invalidContent(call, 'content is for a detached signature; this one holds its own');
      return describeReport(report);
    },
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
