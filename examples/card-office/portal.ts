/**
 * The portal's server. It serves the page, and is the client of the certification authority: it carries the requests that a card signed there, and brings the
 * certificates back. It never talks to kortd, which is on the desk of whoever has the page open; only the page does.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fastify, type FastifyInstance, type FastifyReply } from 'fastify';
import Type, { type Static } from 'typebox';
import { Value } from 'typebox/value';

export interface PortalOptions {
  /** On localhost; 0: any free one. */
  readonly port: number;
  /** Where `bundlePage` put the page. */
  readonly pageFolder: string;
  /** Of kortd, for the page, and of the certification authority. Asked at each request. */
  readonly addresses: () => { readonly kortd: string; readonly authority: string };
}

export interface Portal extends AsyncDisposable {
  /** "http://localhost:27180". */
  readonly origin: string;
}

const FILES = {
  '/': ['index.html', 'text/html; charset=utf-8'],
  '/page.css': ['page.css', 'text/css; charset=utf-8'],
  '/page.js': ['main.js', 'text/javascript; charset=utf-8'],
} as const;
/** A request of an RSA-4096 key has some 2 kB, a certificate no more. */
const MAX_BODY_BYTES = 64 * 1024;
const AUTHORITY_TIMEOUT_MS = 10_000;
/** As the authority has it. */
const MAX_DAYS = 3_653;

const Pem = Type.String({ minLength: 1, maxLength: 16_384 });
const Order = Type.Object({
  requests: Type.Array(Pem, { minItems: 1, maxItems: 4 }),
  assuranceLevel: Type.Optional(Type.String({ maxLength: 40 })),
  validTo: Type.Optional(Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}$' })),
  days: Type.Optional(Type.Integer({ minimum: 1 })),
});
const Revocation = Type.Object({ certificates: Type.Array(Pem, { minItems: 1, maxItems: 8 }) });
const AuthorityAnswer = Type.Object({ certificates: Type.Array(Pem, { minItems: 1 }) });
const AuthorityRefusal = Type.Object({ error: Type.Object({ en: Type.String(), sv: Type.String() }) });

/** What the page shows when the portal could not do it. */
class PortalError extends Error {
  override readonly name = 'PortalError';
  readonly status: number;
  readonly en: string;
  readonly sv: string;

  constructor(status: number, en: string, sv: string) {
    super(en);
    this.status = status;
    this.en = en;
    this.sv = sv;
  }
}

export async function servePortal(options: PortalOptions): Promise<Portal> {
  const app = fastify({ bodyLimit: MAX_BODY_BYTES, forceCloseConnections: true, logger: false });
  const live = { origin: '' };
  app.addHook('onRequest', async ({ method, headers }, reply) => {
    // Another site must not have this one's authority issue anything.
    const isOwn = headers.host === new URL(live.origin).host && (method === 'GET' || headers.origin === live.origin);
    if (!isOwn) await reply.code(403).send({ en: 'This is another site.', sv: 'Det här är en annan webbplats.' });
  });
  app.setErrorHandler((error, _, reply) => {
    const refusal = error instanceof PortalError ? error : badRequest();
    return reply.code(refusal.status).send({ en: refusal.en, sv: refusal.sv });
  });
  addPage(app, options);
  addAuthority(app, options);
  const { port } = new URL(await app.listen({ host: '127.0.0.1', port: options.port }));
  live.origin = `http://localhost:${port}`;
  return { origin: live.origin, [Symbol.asyncDispose]: () => app.close() };
}

function addPage(app: FastifyInstance, { pageFolder, addresses }: PortalOptions): void {
  for (const [path, [file, type]] of Object.entries(FILES)) {
    const body = readFileSync(join(pageFolder, file));
    app.get(path, (_, reply) => protect(reply, addresses().kortd).type(type).send(body));
  }
  // A real portal has kortd's address, http://127.0.0.1:27150, in its code; this one may stand beside another kortd.
  app.get('/config.json', () => ({ kortd: addresses().kortd, isSimulated: true }));
}

/** The page may talk to its own server and to kortd, and to nobody else. */
function protect(reply: FastifyReply, kortd: string): FastifyReply {
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    `connect-src 'self' ${kortd} ${kortd.replace(/^http/, 'ws')}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ];
  return reply.headers({
    'content-security-policy': policy.join('; '),
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
  });
}

function addAuthority(app: FastifyInstance, { addresses }: PortalOptions): void {
  app.post('/certificates', async ({ body }) => {
    if (!Value.Check(Order, body)) throw badRequest();
    const validity = body.validTo === undefined ? { days: Math.min(body.days ?? MAX_DAYS, MAX_DAYS) } : { validTo: body.validTo };
    const profile = body.assuranceLevel === 'LoA2' ? 'reserve-loa2' : 'reserve';
    const certificates = await Promise.all(
      body.requests.map((request) => issue(addresses().authority, { request, profile, ...validity })),
    );
    return { certificates };
  });
  app.post('/revocations', async ({ body }) => {
    if (!Value.Check(Revocation, body)) throw badRequest();
    const { authority } = addresses();
    for (const certificate of body.certificates) await ask(`${authority}/revoke`, { certificate, reason: 'superseded' });
    return { revoked: body.certificates.length };
  });
}

/** The new certificate, without its chain. */
async function issue(authority: string, order: object): Promise<string> {
  const answer: unknown = await ask(`${authority}/issue`, order);
  const [certificate] = Value.Check(AuthorityAnswer, answer) ? answer.certificates : [];
  if (certificate === undefined) throw unavailable();
  return certificate;
}

async function ask(address: string, body: object): Promise<unknown> {
  const response = await fetch(address, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(AUTHORITY_TIMEOUT_MS),
  }).catch(() => undefined);
  if (!response) throw unavailable();
  const answer: unknown = await response.json().catch(() => undefined);
  if (response.ok) return answer;
  throw Value.Check(AuthorityRefusal, answer) ? refused(answer) : unavailable();
}

function refused({ error: { en, sv } }: Static<typeof AuthorityRefusal>): PortalError {
  return new PortalError(502, `The certification authority refused: ${en}`, `Utfärdaren nekade: ${sv}`);
}

function unavailable(): PortalError {
  return new PortalError(
    502,
    'The certification authority does not answer. Nothing was changed on the card. Try again in a while.',
    'Utfärdaren svarar inte. Inget har ändrats på kortet. Försök igen om en stund.',
  );
}

function badRequest(): PortalError {
  return new PortalError(400, 'The portal does not understand what the page sent.', 'Portalen förstår inte vad sidan skickade.');
}
