/**
 * EST (RFC 7030): the CA certificates (section 4.1) and simple enrolment (section 4.2). Over plain HTTP on loopback, where EST wants TLS and a client that is
 * known (section 3): a bench has neither. A label in the path chooses the profile, and its days: `/.well-known/est/reserve-30/simpleenroll`. Re-enrolment, key generation at the server,
 * CSR attributes and full CMC are left out.
 */
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { TestAuthority } from './authority.ts';
import { encodeCertsOnly } from './certs-only.ts';
import { REQUEST_LABELS, decodeBody, wrapBase64 } from './encodings.ts';
import { DAY_MS, DEFAULT_PROFILE, parseLabel } from './profiles.ts';
import { bodyOf } from './request-body.ts';

interface Labelled {
  readonly Params: { readonly label?: string };
}

const PATHS = ['/.well-known/est', '/.well-known/est/:label'] as const;

export function addEstRoutes(app: FastifyInstance, authority: TestAuthority, now: () => Date): void {
  for (const path of PATHS) {
    app.get<Labelled>(`${path}/cacerts`, (request, reply) => {
      const { label } = request.params;
      const issuers = authority.chainsOf(label === undefined ? undefined : parseLabel(label).profile);
      return sendCertificates(
        reply,
        issuers.map(({ der }) => der),
      );
    });
    app.post<Labelled>(`${path}/simpleenroll`, async (request, reply) => {
      const { profile, days } = parseLabel(request.params.label ?? DEFAULT_PROFILE);
      const der = decodeBody(bodyOf(request, 'application/pkcs10'), 'the request', { labels: REQUEST_LABELS });
      const notAfter = days === undefined ? {} : { notAfter: new Date(now().getTime() + days * DAY_MS) };
      const [certificate] = await authority.issue(der, { profile, ...notAfter });
      return sendCertificates(reply, certificate ? [certificate] : []);
    });
  }
}

/** Base64, whatever the transfer encoding says (RFC 8951, section 3.1); it is named for clients that look. */
function sendCertificates(reply: FastifyReply, ders: readonly Uint8Array[]): FastifyReply {
  return reply
    .type('application/pkcs7-mime; smime-type=certs-only')
    .header('content-transfer-encoding', 'base64')
    .send(`${wrapBase64(encodeCertsOnly(ders))}\n`);
}
