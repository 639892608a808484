/**
 * Messages of signotec's local service (STPadServer, signoPAD-API/Web): JSON objects whose members are tokens. The source is the vendor's own client,
 * STPadServerLib 3.3.2 (MIT; in github.com/kpav33/signotec-server), its "default mode". Numbers come as text. What an answer of the service holds is checked
 * here, field by field; nothing else of it is looked at.
 */
import { DeviceProtocolError } from '../../errors.ts';

/** `supportedInterfaceVersion` of the client. */
export const INTERFACE_VERSION = '3.3.0.0';

export type Command =
  | 'CLOSE_PAD'
  | 'GET_SERVER_VERSION'
  | 'OPEN_PAD'
  | 'SEARCH_FOR_PADS'
  | 'SET_INTERFACE_VERSION'
  | 'SIGNATURE_CANCEL'
  | 'SIGNATURE_CONFIRM'
  | 'SIGNATURE_RETRY'
  | 'SIGNATURE_SIGN_DATA'
  | 'SIGNATURE_START'
  | 'SIGNING_CERT';

/** Without their "TOKEN_PARAM_". */
export type Parameters = Readonly<Record<string, string | number>>;

export function encodeRequest(command: Command, parameters: Parameters = {}): string {
  const named = Object.entries(parameters).map(([name, value]) => [`TOKEN_PARAM_${name}`, value] as const);
  return JSON.stringify({ TOKEN_TYPE: 'TOKEN_TYPE_REQUEST', TOKEN_CMD: `TOKEN_CMD_${command}`, ...Object.fromEntries(named) });
}

export type Message =
  | { readonly kind: 'response'; readonly command: string; readonly response: Response }
  | { readonly kind: 'event'; readonly event: ServiceEvent }
  /** A token of a newer service, or of its other mode. */
  | { readonly kind: 'unknown' };

export interface Response {
  /** Negative: it failed. Otherwise what the command says that it is. */
  readonly returnCode: number;
  readonly description: string | undefined;
  readonly fields: Fields;
}

export type ServiceEvent =
  | { readonly kind: 'point'; readonly x: number; readonly y: number; readonly pressure: number }
  | { readonly kind: 'button'; readonly button: 'accept' | 'clear' | 'cancel' }
  /** Of the pad with this index; undefined when it does not say which. */
  | { readonly kind: 'disconnect'; readonly padIndex: number | undefined }
  | { readonly kind: 'error'; readonly returnCode: number; readonly description: string | undefined }
  /** The last request was none that the service knows. */
  | { readonly kind: 'incorrectCommand'; readonly description: string | undefined };

export interface Fields {
  readonly text: (name: string) => string | undefined;
  readonly integer: (name: string) => number | undefined;
  /** Objects of a list, in order. */
  readonly list: (name: string) => readonly Fields[];
}

/** Throws DeviceProtocolError for what is no message. */
export function decodeMessage(text: string): Message {
  const message = asObject(parseJson(text));
  if (!message) throw new DeviceProtocolError('reading a message of the signotec service: it is no JSON object');
  const fields = fieldsOf(message);
  switch (message['TOKEN_TYPE']) {
    case 'TOKEN_TYPE_RESPONSE':
      return { kind: 'response', command: commandOf(message['TOKEN_CMD_ORIGIN']), response: { ...resultOf(message), fields } };
    case 'TOKEN_TYPE_SEND':
      return decodeEvent(commandOf(message['TOKEN_CMD']), message, fields);
    default:
      return { kind: 'unknown' };
  }
}

const BUTTONS: ReadonlyMap<string, 'accept' | 'clear' | 'cancel'> = new Map([
  ['SIGNATURE_CANCEL', 'cancel'],
  ['SIGNATURE_CONFIRM', 'accept'],
  ['SIGNATURE_RETRY', 'clear'],
]);

function decodeEvent(command: string, message: JsonObject, fields: Fields): Message {
  const button = BUTTONS.get(command);
  if (button) return { kind: 'event', event: { kind: 'button', button } };
  const description = fields.text('ERROR_DESCRIPTION');
  switch (command) {
    case 'SIGNATURE_POINT':
      return { kind: 'event', event: decodePoint(message['TOKEN_PARAM_POINT']) };
    case 'DISCONNECT':
      return { kind: 'event', event: { kind: 'disconnect', padIndex: fields.integer('PAD_INDEX') } };
    case 'ERROR':
      return { kind: 'event', event: { kind: 'error', returnCode: fields.integer('RETURN_CODE') ?? 0, description } };
    case 'INCORRECT_COMMAND':
      return { kind: 'event', event: { kind: 'incorrectCommand', description: fields.text('EXCEPTION_CAUSE') } };
    default:
      return { kind: 'unknown' };
  }
}

function decodePoint(value: unknown): ServiceEvent {
  const point = asObject(value);
  const [x, y, pressure] = [asInteger(point?.['x']), asInteger(point?.['y']), asInteger(point?.['p'])];
  if (x === undefined || y === undefined || pressure === undefined || pressure < 0)
    throw new DeviceProtocolError('reading a point of the signotec service: it is not three numbers');
  return { kind: 'point', x, y, pressure };
}

/** A list of return codes is that of its first failure (`handleResult` of the client). */
function resultOf(message: JsonObject): { readonly returnCode: number; readonly description: string | undefined } {
  const value = message['TOKEN_PARAM_RETURN_CODE'];
  const codes = Array.isArray(value) ? value.map(asInteger) : [asInteger(value)];
  if (codes.some((code) => code === undefined))
    throw new DeviceProtocolError('reading an answer of the signotec service: it has no return code');
  const failed = codes.find((code) => code !== undefined && code < 0);
  const description = message['TOKEN_PARAM_ERROR_DESCRIPTION'];
  return {
    returnCode: failed ?? codes[0] ?? 0,
    description: typeof description === 'string' ? description.slice(0, MAX_DESCRIPTION) : undefined,
  };
}

/** For people; more than that is no description. */
const MAX_DESCRIPTION = 300;

type JsonObject = Readonly<Record<string, unknown>>;

function fieldsOf(object: JsonObject): Fields {
  const at = (name: string): unknown => object[`TOKEN_PARAM_${name}`];
  return {
    text: (name) => {
      const value = at(name);
      return typeof value === 'string' ? value : undefined;
    },
    integer: (name) => asInteger(at(name)),
    list: (name) => {
      const value = at(name);
      return Array.isArray(value) ? value.map((item) => fieldsOf(asObject(item) ?? {})) : [];
    },
  };
}

function commandOf(token: unknown): string {
  return typeof token === 'string' ? token.replace(/^TOKEN_CMD_/, '') : '';
}

/** A number, or one as text; undefined for anything else. */
function asInteger(value: unknown): number | undefined {
  const number = typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isSafeInteger(number) ? number : undefined;
}

function asObject(value: unknown): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value))
    : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new DeviceProtocolError('reading a message of the signotec service: it is no JSON', {}, { cause });
  }
}
