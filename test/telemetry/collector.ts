/**
 * A collector of traces as the OpenTelemetry protocol has it (OTLP 1.5, sections "OTLP/HTTP Request" and "JSON Protobuf Encoding"): takes JSON at /v1/traces, holds it
 * strictly against the messages of trace.proto, common.proto and resource.proto, and answers as a collector does. Written from the specification; knows none of the
 * libraries that send.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import Type, { type Static, type TSchema } from 'typebox';
import { Compile } from 'typebox/compile';

const closed = <P extends Record<string, TSchema>>(fields: P): Type.TObject<P> =>
  Type.Object(fields, { additionalProperties: false });
/** Nanoseconds since 1970, fixed64: a string of digits, or a number. */
const Time = Type.String({ pattern: '^[0-9]{19}$' });
const Count = Type.Integer({ minimum: 0 });

/** common.proto, AnyValue: one of these alone. */
const Value = Type.Union([
  closed({ stringValue: Type.String() }),
  closed({ intValue: Type.Union([Type.Integer(), Type.String({ pattern: '^-?[0-9]+$' })]) }),
  closed({ doubleValue: Type.Number() }),
  closed({ boolValue: Type.Boolean() }),
]);
const KeyValue = closed({ key: Type.String({ minLength: 1 }), value: Value });
const Attributes = Type.Array(KeyValue);

/** trace.proto, Span. */
const Span = closed({
  traceId: Type.String({ pattern: '^(?!0+$)[0-9a-f]{32}$' }),
  spanId: Type.String({ pattern: '^(?!0+$)[0-9a-f]{16}$' }),
  parentSpanId: Type.Optional(Type.String({ pattern: '^(?:[0-9a-f]{16})?$' })),
  traceState: Type.Optional(Type.String()),
  flags: Type.Optional(Count),
  name: Type.String({ minLength: 1 }),
  kind: Type.Integer({ minimum: 1, maximum: 5 }),
  startTimeUnixNano: Time,
  endTimeUnixNano: Time,
  attributes: Attributes,
  droppedAttributesCount: Type.Optional(Type.Literal(0)),
  events: Type.Optional(Type.Array(Type.Never())),
  droppedEventsCount: Type.Optional(Type.Literal(0)),
  links: Type.Optional(Type.Array(Type.Never())),
  droppedLinksCount: Type.Optional(Type.Literal(0)),
  status: Type.Optional(closed({ code: Type.Integer({ minimum: 0, maximum: 2 }), message: Type.Optional(Type.String()) })),
});

const Request = closed({
  resourceSpans: Type.Array(
    closed({
      resource: closed({ attributes: Attributes, droppedAttributesCount: Type.Optional(Type.Literal(0)) }),
      scopeSpans: Type.Array(
        closed({
          scope: closed({ name: Type.String(), version: Type.Optional(Type.String()) }),
          spans: Type.Array(Span),
          schemaUrl: Type.Optional(Type.String()),
        }),
      ),
      schemaUrl: Type.Optional(Type.String()),
    }),
  ),
});

const validator = Compile(Request);

export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: number;
  readonly durationMs: number;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  readonly status: { readonly code: number; readonly message?: string } | undefined;
}

export interface Collector extends AsyncDisposable {
  readonly url: string;
  readonly spans: readonly ReceivedSpan[];
  readonly resources: readonly Readonly<Record<string, string | number | boolean>>[];
  /** What was not as the protocol has it. */
  readonly problems: readonly string[];
  readonly authorizations: readonly (string | undefined)[];
}

/** `hangs`: takes the connection and says nothing. */
export async function openCollector({ hangs = false }: { readonly hangs?: boolean } = {}): Promise<Collector> {
  const seen = {
    spans: [] as ReceivedSpan[],
    resources: [] as Readonly<Record<string, string | number | boolean>>[],
    problems: [] as string[],
    authorizations: [] as (string | undefined)[],
  };
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await textOf(request);
    seen.authorizations.push(request.headers.authorization);
    if (hangs) return;
    if (request.method !== 'POST' || request.url !== '/v1/traces') seen.problems.push(`${request.method} ${request.url}`);
    if (request.headers['content-type'] !== 'application/json') seen.problems.push(`it is ${request.headers['content-type']}`);
    const parsed: unknown = JSON.parse(body);
    if (validator.Check(parsed)) note(parsed, seen);
    else seen.problems.push(...validator.Errors(parsed).map(({ instancePath, message }) => `${instancePath} ${message}`));
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"partialSuccess":{}}');
  };
  const server = createServer((request, response) => {
    take(request, response).catch((error: unknown) => seen.problems.push(String(error)));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    ...seen,
    url: `http://127.0.0.1:${port}/v1/traces`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => void server.close(resolve));
    },
  };
}

function note(
  { resourceSpans }: Static<typeof Request>,
  seen: { readonly spans: ReceivedSpan[]; readonly resources: Readonly<Record<string, string | number | boolean>>[] },
): void {
  for (const { resource, scopeSpans } of resourceSpans) {
    seen.resources.push(plain(resource.attributes));
    for (const { spans } of scopeSpans)
      for (const {
        traceId,
        spanId,
        parentSpanId = '',
        name,
        kind,
        startTimeUnixNano,
        endTimeUnixNano,
        attributes,
        status,
      } of spans)
        seen.spans.push({
          ...{ traceId, spanId, parentSpanId, name, kind, status },
          durationMs: Number(BigInt(endTimeUnixNano) - BigInt(startTimeUnixNano)) / 1e6,
          attributes: plain(attributes),
        });
  }
}

function plain(attributes: Static<typeof Attributes>): Readonly<Record<string, string | number | boolean>> {
  return Object.fromEntries(
    attributes.map(({ key, value }): readonly [string, string | number | boolean] => {
      if ('stringValue' in value) return [key, value.stringValue];
      if ('intValue' in value) return [key, Number(value.intValue)];
      return [key, 'doubleValue' in value ? value.doubleValue : value.boolValue];
    }),
  );
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
