import { randomBytes, verify, createHash, type X509Certificate } from 'node:crypto';
import { equalBytes } from '../../../apdu/bytes.ts';
import { KeyNotFoundError } from '../../../apdu/errors.ts';
import { keyAlgorithmOf } from '../../../apdu/public-key.ts';
import type { Token, TokenKey } from '../../../apdu/token.ts';
import { managementOf, type CardSession } from '../../desk/card-session.ts';
import { describeCertificate } from '../../desk/describe.ts';
import { ApiError } from '../../errors.ts';
import { judgeCertificate, judgeCertificates } from '../../identity/identity.ts';
import { createCertificateRequest, preferredAlgorithm } from '../../signing/certificate-request.ts';
import { parseCertificate } from '../../signing/certificate.ts';
import { parsePublicKey } from '../../signing/public-key.ts';
import { verifyOptions } from '../../signing/verify-options.ts';
import type { Call, Handlers } from '../call.ts';
import { authorize, keyOf, verifyFor, withCard, type CardParams, type HandlerContext } from './context.ts';

type CertificateMethods = 'certificate.delete' | 'certificate.list' | 'certificate.request' | 'certificate.write';

export function certificateHandlers(context: HandlerContext): Pick<Handlers, CertificateMethods> {
  return {
    'certificate.delete': (params, call) =>
      withCard(context, params, call, { changes: true }, async (session) => {
        const token = await session.token();
        const management = await authorize(context, session, token, params, call);
        await management.deleteCertificate(params.keyReference);
        session.card.contents = undefined;
        context.desk.announce(session.card);
        return {};
      }),
    'certificate.list': (params, call) =>
      withCard(context, params, call, {}, async (session) => {
        const { contents } = await session.read();
        const now = new Date();
        const judged = judgeCertificates(contents.certificates, context.identity(), now);
        return { certificates: judged.map((one) => describeCertificate(one, now)) };
      }),
    'certificate.request': async (params, call) => {
      const given = params.publicKey === undefined ? undefined : parsePublicKey(params.publicKey);
      return await withCard(context, params, call, {}, async (session) => {
        const token = await session.token();
        const key = await keyToRequestFor(session, token, params.keyReference, given);
        const algorithm = params.algorithm ?? preferredAlgorithm(key.algorithm);
        return await createCertificateRequest({ subject: params.subject, key, algorithm }, async (digest) => {
          await verifyFor(context, session, token, key, params, call);
          return await token.sign(key, algorithm, digest);
        });
      });
    },
    'certificate.write': async (params, call) => {
      const certificate = parseCertificate(params.certificate);
      return await withCard(context, params, call, { changes: true }, async (session) => {
        const token = await session.token();
        managementOf(token);
        await requireFittingKey(context, session, token, certificate, params, call);
        const management = await authorize(context, session, token, params, call);
        const keyReference = params.keyReference.toUpperCase();
        const der = new Uint8Array(certificate.raw);
        await management.writeCertificate(keyReference, der);
        session.card.contents = undefined;
        context.desk.announce(session.card);
        const now = new Date();
        return { certificate: describeCertificate(judgeCertificate({ keyReference, der }, context.identity(), now), now) };
      });
    },
  };
}

type KnownKey = TokenKey & { readonly algorithm: NonNullable<TokenKey['algorithm']>; readonly publicKey: Uint8Array };

/** The key with its public half: as the card tells, as it was made in this insertion, as the caller gives it, or as its certificate has it. */
async function keyToRequestFor(
  session: CardSession,
  token: Token,
  keyReference: string,
  given: { algorithm: KnownKey['algorithm']; publicKey: Uint8Array } | undefined,
): Promise<KnownKey> {
  const told = await token.key(keyReference);
  const key = told ?? (await keyOf(session, token, keyReference));
  const { algorithm, publicKey } = { ...key, ...given };
  if (!algorithm || !publicKey)
    throw new KeyNotFoundError(`requesting a certificate for key ${keyReference}: its public key is not known`);
  return { ...key, algorithm, publicKey };
}

/** Throws certificate_key_mismatch, or key_unproven when nothing shows that the certificate's key is the card's. Nothing was written then. */
async function requireFittingKey(
  context: HandlerContext,
  session: CardSession,
  token: Token,
  certificate: X509Certificate,
  params: CardParams & { readonly keyReference: string },
  call: Call,
): Promise<void> {
  const keyReference = params.keyReference.toUpperCase();
  const told = await token.key(keyReference);
  const publicKey = told?.publicKey ?? session.card.generated.get(keyReference)?.publicKey;
  const certified = certificate.publicKey.export({ type: 'spki', format: 'der' });
  const mismatch = (): ApiError =>
    new ApiError('certificate_key_mismatch', `writing a certificate to ${keyReference}: it certifies another key`);
  if (publicKey) {
    if (!equalBytes(publicKey, certified)) throw mismatch();
    return;
  }
  const algorithm = keyAlgorithmOf(certificate.publicKey);
  if (!algorithm) throw mismatch(); // of a kind that no card has
  const key = { ...(told ?? (await keyOf(session, token, keyReference))), algorithm };
  const canEnter = call.secret('pin') !== undefined || session.hasKeypad || context.prompts.placesOf(call.caller.user).length > 0;
  if (key.pinPolicy !== 'never' && !canEnter) {
    throw new ApiError('key_unproven', `writing a certificate to ${keyReference}: the card does not tell its public key`);
  }
  await verifyFor(context, session, token, key, params, call);
  const message = randomBytes(32);
  const signatureAlgorithm = preferredAlgorithm(algorithm);
  const { hash, ...options } = verifyOptions(signatureAlgorithm, certificate.publicKey);
  const signature = await signOrNothing(
    token,
    { keyReference, algorithm },
    signatureAlgorithm,
    createHash(hash).update(message).digest(),
  );
  if (!signature || !verify(hash, message, options, signature)) throw mismatch();
}

/** A key of another kind cannot sign this way: nothing. */
async function signOrNothing(
  token: Token,
  ...[key, algorithm, digest]: Parameters<Token['sign']>
): Promise<Uint8Array | undefined> {
  try {
    return await token.sign(key, algorithm, digest);
  } catch (error) {
    if (error instanceof KeyNotFoundError) return undefined;
    throw error;
  }
}
