import { createHash } from 'node:crypto';
import { formatHex } from '../../../apdu/bytes.ts';
import { KeyNotFoundError, NotSupportedByCardError, ObjectNotFoundError } from '../../../apdu/errors.ts';
import type { Token, TokenCertificate, TokenKey } from '../../../apdu/token.ts';
import { contentsOf, keyOf, type CardSession } from '../../desk/card-session.ts';
import { describeCertificate } from '../../desk/describe.ts';
import { judgeCertificate, judgeCertificates } from '../../identity/identity.ts';
import { createCertificateRequest, preferredAlgorithm } from '../../signing/certificate-request.ts';
import { parseCertificate } from '../../signing/certificate.ts';
import { parsePublicKey } from '../../signing/public-key.ts';
import type { Handlers } from '../call.ts';
import { verifyFor, withCard, type HandlerContext } from './context.ts';
import { authorize, beginChange, requireFittingKey } from './management.ts';

type CertificateMethods = 'certificate.delete' | 'certificate.list' | 'certificate.request' | 'certificate.write';

export function certificateHandlers(context: HandlerContext): Pick<Handlers, CertificateMethods> {
  return {
    'certificate.delete': (params, call) =>
      withCard(context, params, call, { changes: true }, async (session) => {
        const change = await beginChange({ context, session, params, call, what: 'certificate' });
        const doomed = await findCertificate(session, change.token, params);
        const management = await authorize(change);
        await management.deleteCertificate(params.keyReference, doomed?.der);
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
        const algorithm = params.algorithm ?? preferredAlgorithm(key.algorithm, key.signatureAlgorithms);
        return await createCertificateRequest({ subject: params.subject, key, algorithm }, async (digest) => {
          await verifyFor(context, session, token, key, params, call);
          return await token.sign(key, algorithm, digest);
        });
      });
    },
    'certificate.write': async (params, call) => {
      const certificate = parseCertificate(params.certificate);
      return await withCard(context, params, call, { changes: true }, async (session) => {
        const change = await beginChange({ context, session, params, call, what: 'certificate' });
        if (params.add && !change.management.addCertificate)
          throw new NotSupportedByCardError('adding a certificate: the card holds one for a key');
        const verified = await requireFittingKey(change, certificate);
        const management = await authorize(change, verified);
        const keyReference = params.keyReference.toUpperCase();
        const der = new Uint8Array(certificate.raw);
        if (params.add) await management.addCertificate?.(keyReference, der);
        else await management.writeCertificate(keyReference, der);
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

/** The certificate that is meant, as the card holds it now; undefined when none is named. Throws ObjectNotFoundError. */
async function findCertificate(
  session: CardSession,
  token: Token,
  { keyReference, fingerprint }: { readonly keyReference: string; readonly fingerprint?: string | undefined },
): Promise<TokenCertificate | undefined> {
  if (fingerprint === undefined) return undefined;
  session.card.contents = undefined;
  const { certificates } = await contentsOf(session, token);
  const found = certificates.find(
    (certificate) =>
      certificate.keyReference === keyReference.toUpperCase() &&
      formatHex(createHash('sha256').update(certificate.der).digest()) === fingerprint.toUpperCase(),
  );
  if (found) return found;
  throw new ObjectNotFoundError(`deleting a certificate of ${keyReference}: the card has none with this fingerprint`);
}
