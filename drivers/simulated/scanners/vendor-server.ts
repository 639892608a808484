/**
 * What all simulated vendor services share: a server on 127.0.0.1, the document that lies in the scanner, faults on demand, and the bench's own addresses below
 * /bench/, by which a test bench in another program moves documents and orders faults. Pages in a browser are refused: nothing of it is for them.
 */
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { SimulationFileError } from '../errors.ts';
import { PAGE_DEFECTS, PAGE_PERSONAS, printDocument, type PageDefect, type PageOrder } from './printed-document.ts';
import { OrderedFaults, parseServiceFault, type ServiceFault, type ServiceFaultKind } from './service-faults.ts';

export interface VendorServerOptions {
  /** On 127.0.0.1; 0, the default, takes any free one. */
  readonly port?: number;
  /** What lies in the scanner at the start. */
  readonly document?: PageOrder;
  readonly now?: () => Date;
}

export interface SimulatedVendorService extends AsyncDisposable {
  /** "http://127.0.0.1:41234/". */
  readonly url: string;
  /** Undefined: the scanner is empty. */
  document: PageOrder | undefined;
  readonly faults: OrderedFaults;
  /** Calls that were made, without the bench's own: "POST /api/process". */
  readonly calls: readonly string[];
}

/** How a service answers: the body, or a refusal. */
export interface VendorReply {
  readonly status?: number;
  readonly body: unknown;
}

/** What a service is besides its addresses. */
export interface ServedCall {
  readonly request: FastifyRequest;
  /** What is to go wrong with what the answer says. */
  readonly fault: ServiceFaultKind | undefined;
  readonly now: Date;
}

export type VendorRoutes = Readonly<Record<`${'DELETE' | 'GET' | 'POST'} /${string}`, (call: ServedCall) => VendorReply>>;

const HOST = '127.0.0.1';
/** Four pictures of a page at 600 dpi, in base64. */
const MAX_BODY_BYTES = 64 * 1024 * 1024;
const REQUEST_TIMEOUT_MS = 30_000;
const FLOOD_CHUNK = Buffer.alloc(64 * 1024, 0x20);
const MAX_CALLS_KEPT = 1_000;
/** Those that change what the answer says, and not how it comes. */
const TOLD_TO_ROUTE: ReadonlySet<ServiceFaultKind> = new Set<ServiceFaultKind>([
  'bad picture',
  'token expired',
  'unfinished',
  'unknown verdict',
]);

export async function serveVendor(
  makeRoutes: (service: SimulatedVendorService) => VendorRoutes,
  { port = 0, document, now = () => new Date() }: VendorServerOptions,
): Promise<SimulatedVendorService> {
  if (document) printDocument(document);
  const stop = new AbortController();
  const calls: string[] = [];
  const app = fastify({
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: true,
    logger: false,
  });
  const service = {
    url: '',
    document,
    faults: new OrderedFaults(),
    calls,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await app.close();
    },
  };
  addGuards(app);
  addBenchRoutes(app, service);
  for (const [route, answer] of Object.entries(makeRoutes(service))) {
    const [method = 'GET', url = '/'] = route.split(' ', 2);
    app.route({
      method,
      url,
      handler: async (request, reply) => {
        if (calls.length < MAX_CALLS_KEPT) calls.push(`${request.method} ${request.url}`);
        const fault = service.faults.take(request.url);
        const told = fault && TOLD_TO_ROUTE.has(fault.kind) ? fault.kind : undefined;
        await spoil(fault, reply, { signal: stop.signal, make: () => answer({ request, fault: told, now: now() }) });
        return reply;
      },
    });
  }
  service.url = `${await app.listen({ host: HOST, port })}/`;
  return service;
}

function addGuards(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    const host = (request.headers.host ?? '').replace(/:\d{1,5}$/, '');
    if (request.headers.origin !== undefined || (host !== HOST && host !== 'localhost'))
      await reply.code(403).send({ error: 'not for web pages' });
  });
  app.setErrorHandler(async (error, _, reply) => {
    const isOrder = error instanceof SimulationFileError;
    const status = isOrder ? 400 : error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
    await reply.code(status).send({ error: isOrder ? error.message : 'the call is not as it must be' });
  });
}

/** For benches in other programs. */
function addBenchRoutes(app: FastifyInstance, service: SimulatedVendorService): void {
  app.get('/bench', () => ({ document: service.document ?? null, personas: PAGE_PERSONAS, defects: PAGE_DEFECTS }));
  app.put('/bench/document', (request) => {
    const order = parsePageOrder(request.body);
    printDocument(order);
    service.document = order;
    return { document: order };
  });
  app.delete('/bench/document', () => {
    service.document = undefined;
    return { document: null };
  });
  app.post('/bench/faults', (request) => {
    service.faults.order(parseServiceFault(request.body));
    return {};
  });
  app.delete('/bench/faults', () => {
    service.faults.clear();
    return {};
  });
}

/** What it names is looked at by `printDocument`. Throws SimulationFileError. */
export function parsePageOrder(value: unknown): PageOrder {
  if (typeof value !== 'object' || value === null || !('persona' in value) || typeof value.persona !== 'string')
    throw new SimulationFileError('persona: whose document it is must be said', { field: 'persona' });
  const defects: unknown = 'defects' in value ? value.defects : [];
  if (!Array.isArray(defects)) throw new SimulationFileError('defects: they are a list', { field: 'defects' });
  return { persona: value.persona, defects: defects as readonly PageDefect[] };
}

interface Spoiling {
  readonly signal: AbortSignal;
  readonly make: () => VendorReply;
}

/** Sends the answer, or what goes wrong with it. */
async function spoil(fault: ServiceFault | undefined, reply: FastifyReply, { signal, make }: Spoiling): Promise<void> {
  const sendJson = async (body: string | Buffer, status = 200): Promise<void> => {
    await reply.code(status).type('application/json').send(body);
  };
  if (fault?.kind === 'slow') await delay(fault.delayMs, undefined, { signal }).catch(() => undefined);
  const constant = fault && CONSTANT_ANSWERS[fault.kind];
  if (constant) return sendJson(constant.body, constant.status);
  if (fault?.kind === 'flood') {
    await reply.type('application/json').send(Readable.from(flood(fault.bytes)));
    return;
  }
  if (fault?.kind === 'redirect') {
    await reply.redirect('http://192.0.2.1/elsewhere', 307);
    return;
  }
  const { status = 200, body } = make();
  const text = JSON.stringify(body);
  if (fault?.kind === 'wrong type') await reply.type('image/png').send(Buffer.from(text));
  else if (fault?.kind === 'compressed') await sendJson(gzipSync(text), reply.header('content-encoding', 'gzip').statusCode);
  else if (fault?.kind === 'garbage') await sendJson(text.slice(0, text.length >> 1));
  else if (fault?.kind === 'cut') cut(reply, text);
  else await sendJson(text, status);
}

/** Those that have nothing of the right answer in them. */
const CONSTANT_ANSWERS: Partial<Record<ServiceFaultKind, { readonly body: string; readonly status: number }>> = {
  busy: { body: '{"error":"busy"}', status: 503 },
  'licence refused': { body: '{"error":"licence","error_description":"The licence is over."}', status: 403 },
  'lying type': { body: '<!doctype html><title>Sign in</title>', status: 200 },
  'other shape': {
    body: '{"ContainerList":[7],"transaction":null,"status":["ok"],"result":"passed","access_token":5}',
    status: 200,
  },
};

function* flood(bytes: number): Generator<Buffer> {
  for (let left = bytes; left > 0; left -= FLOOD_CHUNK.length) yield FLOOD_CHUNK.subarray(0, Math.min(left, FLOOD_CHUNK.length));
}

function cut(reply: FastifyReply, body: string): void {
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  raw.write(body.slice(0, body.length >> 1), () => raw.destroy());
}
