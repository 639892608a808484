/**
 * The course of a scan at a service whose routes are configuration: begin a transaction (or find the one that its own client began), then ask until it says that it is
 * done. Where things stand in the answers is said by JSON pointers; a state that nobody has written down is not done.
 */
import { setTimeout as delay } from 'node:timers/promises';
import Type, { type Static } from 'typebox';
import { DeviceCancelledError, DeviceProtocolError, ServiceUnavailableError } from '../errors.ts';
import { LicenceError, type DriverImage } from './driver.ts';
import type { VendorAnswer, VendorClient, VendorRequest } from './vendor-http.ts';
import { textOf } from './vendor-json.ts';
import { at } from './vendor-mapping.ts';

const strict = { additionalProperties: false } as const;
const pointer = Type.String({ pattern: '^(/([^/~]|~[01])*)+$', maxLength: 256 });
/** Below the configured address; {transaction} stands for the id of this one. */
const route = Type.String({ pattern: '^[A-Za-z0-9{][A-Za-z0-9._~{}/?=&-]*$', maxLength: 512 });
const states = Type.Array(Type.String({ minLength: 1, maxLength: 64 }), { minItems: 1, maxItems: 32 });

/** Names of the parts of a body in which pictures are sent. */
const PictureFields = Type.Object(
  {
    list: Type.String({ minLength: 1, maxLength: 64 }),
    /** Base64. */
    data: Type.String({ minLength: 1, maxLength: 64 }),
    light: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
    /** What the service calls a light; one that is not here is sent under our name. */
    lights: Type.Optional(Type.Record(Type.String({ maxLength: 32 }), Type.String({ maxLength: 64 }), { maxProperties: 16 })),
  },
  strict,
);

export const TransactionOptions = Type.Object(
  {
    begin: Type.Object(
      {
        method: Type.Enum(['GET', 'POST'] as const),
        route,
        /** Sent as it stands, with the pictures. */
        body: Type.Optional(
          Type.Record(Type.String({ maxLength: 64 }), Type.Union([Type.String(), Type.Number(), Type.Boolean()]), {
            maxProperties: 32,
          }),
        ),
        pictures: Type.Optional(PictureFields),
        /** The same call twice is one transaction. Default: only GET is. */
        repeatable: Type.Optional(Type.Boolean()),
      },
      strict,
    ),
    /** Where the id of the transaction stands in the answer to `begin`. Without it that answer is the result. */
    transaction: Type.Optional(pointer),
    result: Type.Optional(
      Type.Object(
        {
          route,
          state: pointer,
          done: states,
          /** The person at the device gave up. */
          aborted: Type.Optional(states),
          pollMs: Type.Optional(Type.Integer({ minimum: 50, maximum: 60_000 })),
        },
        strict,
      ),
    ),
  },
  strict,
);
export type TransactionOptions = Static<typeof TransactionOptions>;

/** One call with whatever proves who asks; answers 401 are its affair. */
export type Ask = (request: VendorRequest) => Promise<VendorAnswer>;

export interface TransactionRun {
  readonly device: string;
  readonly ask: Ask;
  readonly images: readonly DriverImage[];
  readonly signal: AbortSignal;
  /** Called when the service waits for a document or a person. */
  readonly onWaiting: () => void;
}

const POLL_MS = 500;
const BEGIN = 'beginning at the service';
const RESULT = 'fetching what the service found';

export function asker(client: VendorClient, headers: () => Readonly<Record<string, string>>): Ask {
  return async (request) => client.ask({ ...request, headers: { ...request.headers, ...headers() } });
}

/** The answer that has the result. Throws errors of `drivers/errors.ts`, and the signal's reason. */
export async function runTransaction(
  { begin, transaction, result }: TransactionOptions,
  run: TransactionRun,
): Promise<VendorAnswer> {
  const { device, ask, images, signal, onWaiting } = run;
  const body = begin.method === 'GET' ? {} : { body: bodyOf(begin, images) };
  const begun = requireSuccess(
    await ask({
      method: begin.method,
      path: begin.route,
      attempt: BEGIN,
      ...body,
      isIdempotent: begin.repeatable ?? begin.method === 'GET',
      signal,
    }),
    device,
    BEGIN,
  );
  if (transaction === undefined || !result) return begun;
  const id = textOf(at(begun.value, transaction), 128);
  if (id === undefined) throw invalid('the answer names no transaction', device, BEGIN);
  const path = result.route.replaceAll('{transaction}', encodeURIComponent(id));
  for (;;) {
    const answer = requireSuccess(await ask({ method: 'GET', path, attempt: RESULT, signal }), device, RESULT);
    const state = textOf(at(answer.value, result.state), 64);
    if (state === undefined) throw invalid('the answer has no state', device, RESULT);
    if (result.done.includes(state)) return answer;
    if (result.aborted?.includes(state)) throw new DeviceCancelledError(`${RESULT}: it was broken off at the device`, { device });
    onWaiting();
    await delay(result.pollMs ?? POLL_MS, undefined, { signal }).catch(() => undefined);
    signal.throwIfAborted();
  }
}

function bodyOf({ body = {}, pictures }: TransactionOptions['begin'], images: readonly DriverImage[]): object {
  if (!pictures) return body;
  const { list, data, light: lightField, lights = {} } = pictures;
  const rows = images.map(({ bytes, light }) => ({
    [data]: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64'),
    ...(lightField === undefined ? {} : { [lightField]: lights[light] ?? light }),
  }));
  return { ...body, [list]: rows };
}

/** 401 and 403 as everybody uses them (RFC 9110, sections 15.5.2 and 15.5.4): who asks is not known, or has no right to it, which is the licence. */
export function requireSuccess(answer: VendorAnswer, device: string, attempt: string): VendorAnswer {
  const { status } = answer;
  if (status >= 200 && status < 300) return answer;
  if (status === 403 || status === 402)
    throw new LicenceError(`${attempt}: the service refuses it (${status})`, { device, driverCode: 'licence_refused' });
  if (status === 401)
    throw new ServiceUnavailableError(`${attempt}: the service does not accept who asks`, {
      device,
      driverCode: 'token_refused',
    });
  throw new DeviceProtocolError(`${attempt}: the service answered ${status}`, { device, driverCode: `status_${status}` });
}

function invalid(problem: string, device: string, attempt: string): DeviceProtocolError {
  return new DeviceProtocolError(`${attempt}: ${problem}`, { device, driverCode: 'answer_invalid' });
}
