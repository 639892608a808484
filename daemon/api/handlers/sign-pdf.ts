import type { Params } from '../../../api-spec/methods/index.ts';
import type { SignatureAlgorithm } from '../../../apdu/token.ts';
import { ApiError } from '../../errors.ts';
import { parseCertificate } from '../../signing/certificate.ts';
import { preferredAlgorithm } from '../../signing/certificate-request.ts';
import type { Signer } from '../../signing/cms/signed-data.ts';
import type { PdfSigningOptions } from '../../signing/pdf/sign-pdf.ts';
import type { Call, Handlers, PublicParams } from '../call.ts';
import { bytesOf, giveOut, requireRoom } from './content.ts';
import { withCard, type CardParams, type HandlerContext } from './context.ts';
import { stamp, timeStampServer } from './sign-cms.ts';
import { openCardSigner } from './signing-key.ts';

type PdfParams = PublicParams<'sign.pdf'>;

export function signPdfHandlers(context: HandlerContext): Pick<Handlers, 'sign.pdf'> {
  return {
    'sign.pdf': async (params, call) => {
      const pdf = bytesOf(context, params.pdf, call);
      requireRoom(context, pdf.length, call);
      const server = params.timeStamp === true ? timeStampServer(context) : undefined;
      const visible = visibleOf(context, params.visible, call);
      const given = (params.certificates ?? []).map((text) => new Uint8Array(parseCertificate(text).raw));
      const { card, keyReference, signer } = await findSigner(context, params, call, given);
      // Most sessions sign no PDF.
      const { preparePdf, signPrepared, finishPdf } = await import('../../signing/pdf/sign-pdf.ts');
      const ready = await preparePdf(
        pdf,
        optionsOf(params, { signer, visible, hasTimeStamp: server !== undefined }),
        call.signal,
      );
      const signed = await withCard(context, { ...params, card }, call, {}, async (session) => {
        const { sign, certificates } = await openCardSigner(context, session, params, call, () => signer.algorithm);
        requireSame(signer.certificate, (await certificates()).certificate, keyReference);
        return await signPrepared(ready, sign).catch((error: unknown) => {
          // The certificate that was remembered may be an old one.
          if (error instanceof ApiError && error.code === 'public_key_mismatch') session.card.contents = undefined;
          throw error;
        });
      });
      const { cms, timeStamp } = server ? await stamp({ cms: signed, signerIndex: 0 }, server, call.signal) : { cms: signed };
      const { bytes, field } = await finishPdf(ready, cms, call.signal);
      const out = giveOut(context, bytes, call);
      return {
        ...('inline' in out ? { pdf: out.inline } : { content: out.waiting.id }),
        size: bytes.length,
        field,
        algorithm: signer.algorithm,
        keyReference,
        ...(timeStamp ? { timeStamp } : {}),
      };
    },
  };
}

/** Who will sign, in a transaction of its own: nothing is held while the PDF is made ready, and nobody has been asked yet. */
async function findSigner(
  context: HandlerContext,
  params: CardParams & { readonly keyReference: string; readonly algorithm?: SignatureAlgorithm },
  call: Call,
  given: readonly Uint8Array[],
): Promise<{ readonly card: string; readonly keyReference: string; readonly signer: Signer }> {
  return await withCard(context, params, call, {}, async (session) => {
    const found = await openCardSigner(context, session, params, call, (kind) => params.algorithm ?? preferredAlgorithm(kind));
    const { certificate, chain } = await found.certificates();
    const signer = { certificate, chain: [...chain, ...given], algorithm: found.algorithm };
    return { card: session.card.id, keyReference: found.key.keyReference, signer };
  });
}

/** Another program may have written to the card meanwhile; the PDF tells whose signature it will be. */
function requireSame(prepared: Uint8Array, present: Uint8Array, keyReference: string): void {
  if (Buffer.compare(prepared, present) === 0) return;
  throw new ApiError('public_key_mismatch', `signing with key ${keyReference}: its certificate changed meanwhile`);
}

function visibleOf(context: HandlerContext, visible: PdfParams['visible'], call: Call): PdfSigningOptions['visible'] {
  if (!visible) return undefined;
  const { language = 'en', text, picture, ...where } = visible;
  return {
    ...where,
    language,
    ...(text ? { lines: text } : {}),
    ...(picture ? { picture: bytesOf(context, picture, call) } : {}),
  };
}

function optionsOf(
  { field, reason, location }: Pick<Params<'sign.pdf'>, 'field' | 'reason' | 'location'>,
  { visible, ...common }: Pick<PdfSigningOptions, 'signer' | 'hasTimeStamp'> & { readonly visible: PdfSigningOptions['visible'] },
): PdfSigningOptions {
  return {
    ...common,
    time: new Date(),
    ...(visible ? { visible } : {}),
    ...(field === undefined ? {} : { field }),
    ...(reason === undefined ? {} : { reason }),
    ...(location === undefined ? {} : { location }),
  };
}
