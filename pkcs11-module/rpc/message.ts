/** The body of a frame: which call it is, its signature, which must be the call's own, and its arguments. */
import { readArguments, writeAnswer, type Answer, type Arguments } from './arguments.ts';
import { CALLS, callOf, type CallName, type Dialect } from './calls.ts';
import { encodeFrame } from './frame.ts';
import { RpcProtocolError, RpcReader } from './reader.ts';
import type { RpcWriter } from './writer.ts';

/** One call with its arguments. */
export type RpcCall = { readonly [N in CallName]: { readonly name: N; readonly args: Arguments<N> } }[CallName];

/** Throws RpcProtocolError. */
export function decodeCall(body: Uint8Array, dialect: Dialect): RpcCall {
  const reader = new RpcReader(body);
  const id = reader.uint32();
  const name = callOf(id, dialect);
  if (!name) throw new RpcProtocolError(`reading a call: clients of dialect ${dialect} have no ${id}`);
  const signature = reader.sized() ?? NOTHING;
  if (Buffer.compare(signature, bytesOf(CALLS[name].request)) !== 0)
    throw new RpcProtocolError(
      `reading ${name}: its arguments are said to be ${JSON.stringify(Buffer.from(signature).toString('latin1'))}`,
    );
  return { name, args: readArguments(reader, name, dialect) } as RpcCall;
}

/** `options` are for a front alone (lasting.ts). */
export function encodeAnswer<N extends CallName>(
  code: number,
  name: N,
  ...[answer, options]: [Answer<N>, Uint8Array?]
): Uint8Array {
  return encodeFrame(
    code,
    (body) => {
      writeHead(body, CALLS[name].id, CALLS[name].reply);
      writeAnswer(body, name, answer);
    },
    options,
  );
}

/** `value` is a CKR_ value, not CKR_OK. */
export function encodeError(code: number, value: number): Uint8Array {
  return encodeFrame(code, (body) => {
    writeHead(body, 0, 'u');
    body.ulong(value);
  });
}

function writeHead(body: RpcWriter, id: number, signature: string): void {
  body.uint32(id);
  body.sized(bytesOf(signature));
}

const NOTHING = new Uint8Array();
const SIGNATURES = new Map<string, Uint8Array>();

function bytesOf(signature: string): Uint8Array {
  const known = SIGNATURES.get(signature) ?? new TextEncoder().encode(signature);
  SIGNATURES.set(signature, known);
  return known;
}
