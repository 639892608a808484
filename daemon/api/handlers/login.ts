import { X509Certificate } from 'node:crypto';
import { KeyNotFoundError, ObjectNotFoundError } from '../../../apdu/errors.ts';
import { keyAlgorithmOf } from '../../../apdu/public-key.ts';
import type { TokenCertificate, TokenContents, TokenKey } from '../../../apdu/token.ts';
import { parseOrigin } from '../../access/origin.ts';
import { contentsOf } from '../../desk/card-session.ts';
import { ApiError } from '../../errors.ts';
import { createAuthenticationToken } from '../../signing/authentication-token.ts';
import { preferredAlgorithm } from '../../signing/certificate-request.ts';
import type { Call, Handlers } from '../call.ts';
import { verifyFor, withCard, type HandlerContext } from './context.ts';

export function loginHandlers(context: HandlerContext): Pick<Handlers, 'login.authenticate'> {
  return {
    'login.authenticate': async (params, call) => {
      const origin = originFor(params.origin, call);
      return await withCard(context, params, call, {}, async (session) => {
        const token = await session.token();
        const { key, certificate } = identityOf(await contentsOf(session, token));
        const { publicKey } = new X509Certificate(certificate.der);
        const algorithm = keyAlgorithmOf(publicKey);
        if (!algorithm) throw new KeyNotFoundError(`logging in with key ${key.keyReference}: its kind is not known`);
        return await createAuthenticationToken(
          {
            origin,
            challenge: params.challenge,
            certificate: certificate.der,
            publicKey: publicKey.export({ type: 'spki', format: 'der' }),
            algorithm: preferredAlgorithm(algorithm, key.signatureAlgorithms),
          },
          async (digest) => {
            await verifyFor(context, session, token, key, params, call);
            return await token.sign({ ...key, algorithm }, preferredAlgorithm(algorithm, key.signatureAlgorithms), digest);
          },
        );
      });
    },
  };
}

/** A page's own, whatever it says: nothing that it gets is good for another site. */
function originFor(named: string | undefined, call: Call): string {
  const { origin } = call.caller;
  const problem = (what: string): ApiError => new ApiError('invalid_params', `logging in: ${what}`, { problem: what });
  if (origin !== undefined) {
    if (named !== undefined && named !== origin) throw problem('a web page logs in to its own origin alone');
    return origin;
  }
  if (named === undefined) throw problem('origin is missing: a program names the site');
  const parsed = parseOrigin(named);
  if ('refusal' in parsed) throw problem(`origin is none that a person could log in to: ${parsed.refusal}`);
  return parsed.origin;
}

/** The first authentication key that has a certificate. */
function identityOf({ keys, certificates }: TokenContents): { readonly key: TokenKey; readonly certificate: TokenCertificate } {
  for (const key of keys) {
    const certificate = certificates.find(({ keyReference }) => keyReference === key.keyReference);
    if (key.usage === 'authentication' && certificate) return { key, certificate };
  }
  throw new ObjectNotFoundError('logging in: no authentication key of the card has a certificate');
}
