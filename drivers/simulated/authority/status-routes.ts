/** Where certificates of the test authority point: revocation lists (RFC 5280), OCSP by POST and GET (RFC 6960, appendix A), and the issuers themselves. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { TestAuthority } from './authority.ts';
import { bodyOf } from './request-body.ts';

interface Named {
  readonly Params: { readonly name: string };
}

export function addStatusRoutes(app: FastifyInstance, authority: TestAuthority): void {
  // RFC 5280, section 4.2.1.13; RFC 2585, section 4.
  app.get<Named>('/crl/:name.crl', async (request, reply) =>
    reply.type('application/pkix-crl').send(Buffer.from(await authority.crl(authority.findIssuer(request.params.name)))),
  );
  app.get<Named>('/ca/:name.cer', (request, reply) =>
    reply.type('application/pkix-cert').send(Buffer.from(authority.findIssuer(request.params.name).der)),
  );
  const answer = async (question: Uint8Array, reply: FastifyReply): Promise<FastifyReply> =>
    reply.type('application/ocsp-response').send(Buffer.from(await authority.ocsp(question)));
  app.post('/ocsp', (request, reply) => answer(bodyOf(request, 'application/ocsp-request'), reply));
  // Base64, with its slashes as they come or as %2F.
  app.get<{ readonly Params: { readonly '*': string } }>('/ocsp/*', (request, reply) =>
    answer(Buffer.from(request.params['*'], 'base64'), reply),
  );
}
