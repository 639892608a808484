/**
 * A client of p11-kit's RPC protocol, for tests: what p11-kit-client.so puts on the wire, and what it would not. It reads answers by their codes, in whatever
 * order they come.
 */
import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { CALLS, type CallName, type Dialect } from '../../pkcs11-module/rpc/calls.ts';
import { encodeUlong } from '../../pkcs11-module/rpc/attributes.ts';
import { FrameReader } from '../../pkcs11-module/rpc/frame.ts';
import { RpcReader } from '../../pkcs11-module/rpc/reader.ts';
import { RpcWriter } from '../../pkcs11-module/rpc/writer.ts';
import { within } from '../api/support.ts';

/** Room for bytes or numbers: null is a NULL pointer, which asks for the length. */
export type Room = number | null;
export interface TestMechanism {
  readonly type: number;
  readonly write?: (body: RpcWriter) => void;
}
export type Template = readonly (readonly [number, Uint8Array | number | boolean])[];
export type Queries = readonly (readonly [number, number])[];
export type Given = number | string | Uint8Array | Room | TestMechanism | Template | Queries | undefined;

/** Bytes or numbers, or only how many there are. */
export type Sized<T> = { readonly value: T } | { readonly length: number };
export interface Got {
  readonly type: number;
  readonly isValid: boolean;
  readonly length?: number;
  readonly value?: Uint8Array;
}
export type Taken = number | string | Sized<Uint8Array> | Sized<readonly number[]> | readonly Got[];

export class CkAnswer extends Error {
  override readonly name = 'CkAnswer';
  readonly value: number;

  constructor(call: string, value: number) {
    super(`${call}: 0x${value.toString(16)}`);
    this.value = value;
  }
}

const HANDSHAKE = new TextEncoder().encode('PRIVATE-GNOME-KEYRING-PKCS11-PROTOCOL-V-1');
const CLIENT = new TextEncoder().encode('client');
const NULL_LENGTH = 0xff_ff_ff_ff;
const FIRST_CODE = 0x10;
/** A NULL mechanism: ends the operation. */
export const NULL_MECHANISM: TestMechanism = { type: NULL_LENGTH };

export class RpcClient implements AsyncDisposable {
  readonly socket: Socket;
  readonly dialect: Dialect;
  /** In the order in which answers came. */
  readonly answered: CallName[] = [];
  readonly #frames = new FrameReader();
  readonly #waiting = new Map<number, { readonly name: CallName; readonly done: PromiseWithResolvers<RpcReader> }>();
  #code = FIRST_CODE;

  private constructor(socket: Socket, dialect: Dialect) {
    this.socket = socket;
    this.dialect = dialect;
    socket.on('error', () => undefined);
    socket.on('close', () => {
      for (const { done } of this.#waiting.values()) done.reject(new Error('the connection was closed'));
    });
  }

  /** Connected, its dialect said; nothing is initialised. */
  static async connect(path: string, dialect: Dialect = 2): Promise<RpcClient> {
    const socket = connect(path);
    await once(socket, 'connect');
    const client = new RpcClient(socket, dialect);
    socket.write(Uint8Array.of(dialect));
    const [answer] = (await within(once(socket, 'data'), 'the version')) as [Buffer];
    if (answer[0] !== dialect) throw new Error(`the answer to version ${dialect} is ${answer[0]}`);
    socket.on('data', (piece: Buffer) => client.#take(piece));
    return client;
  }

  static async open(path: string, dialect: Dialect = 2): Promise<RpcClient> {
    const client = await RpcClient.connect(path, dialect);
    await client.call('C_Initialize', HANDSHAKE, 0, Uint8Array.of(0));
    return client;
  }

  /** Rejects with CkAnswer. */
  async call(name: CallName, ...args: readonly Given[]): Promise<readonly Taken[]> {
    return await within(this.begin(name, ...args), name);
  }

  /** Without a deadline: for what is to wait. */
  async begin(name: CallName, ...args: readonly Given[]): Promise<readonly Taken[]> {
    const code = this.#code++;
    const done = Promise.withResolvers<RpcReader>();
    this.#waiting.set(code, { name, done });
    this.socket.write(encodeRequest(code, name, args, this.dialect));
    const reader = await done.promise;
    const parts = CALLS[name].reply.match(PART) ?? [];
    return parts.map((part) => readPart(reader, part));
  }

  /** As it is. */
  send(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  async closed(): Promise<void> {
    const closed = new Promise((resolve) => this.socket.once('close', resolve)); // also after an error
    if (!this.socket.closed) await within(closed, 'the end of the connection');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.socket.closed) return;
    const closed = once(this.socket, 'close');
    this.socket.destroy();
    await closed;
  }

  #take(piece: Buffer): void {
    for (const { code, body, options } of this.#frames.push(piece)) {
      if (options.length > 0) throw new Error(`an answer to ${code} with options: they are for a front alone`);
      const waiting = this.#waiting.get(code);
      if (!waiting) throw new Error(`an answer to ${code}, which nobody asked`);
      this.#waiting.delete(code);
      this.answered.push(waiting.name);
      const reader = new RpcReader(body);
      const id = reader.uint32();
      const signature = new TextDecoder().decode(reader.sized());
      const { id: wanted, reply } = CALLS[waiting.name];
      if (id === 0) waiting.done.reject(new CkAnswer(waiting.name, reader.ulong()));
      else if (id !== wanted || signature !== reply)
        waiting.done.reject(new Error(`${waiting.name} was answered by ${id} ${signature}`));
      else waiting.done.resolve(reader);
    }
  }
}

const PART = /[af][yuA]|[a-zA-Z]/g;

export function encodeRequest(code: number, name: CallName, args: readonly Given[], dialect: Dialect): Uint8Array {
  const { id, request } = CALLS[name];
  const body = new RpcWriter();
  body.uint32(id);
  body.sized(new TextEncoder().encode(request));
  for (const [index, part] of (request.match(PART) ?? []).entries()) writePart(body, part, args[index], dialect);
  return frameOf(code, body.take());
}

export function frameOf(code: number, body: Uint8Array): Uint8Array {
  const frame = new RpcWriter();
  frame.uint32(code);
  frame.uint32(CLIENT.length);
  frame.uint32(body.length);
  frame.bytes(CLIENT);
  frame.bytes(body);
  return frame.take();
}

function writePart(body: RpcWriter, part: string, value: Given, dialect: Dialect): void {
  switch (part) {
    case 'y':
      body.byte(value as number);
      return;
    case 'u':
      body.ulong(value as number);
      return;
    case 's':
    case 'z':
      body.sized(new TextEncoder().encode(value as string));
      return;
    case 'ay':
      writeBytes(body, value as Uint8Array | undefined, dialect);
      return;
    case 'fy':
    case 'fu':
      body.uint32((value as Room) ?? 0);
      return;
    case 'aA':
      writeTemplate(body, value as Template);
      return;
    case 'fA':
      writeQueries(body, value as Queries);
      return;
    case 'M':
      writeMechanism(body, value as TestMechanism, dialect);
      return;
    default:
      throw new Error(`${part} is no argument`);
  }
}

/** Undefined: a NULL pointer. */
function writeBytes(body: RpcWriter, value: Uint8Array | undefined, dialect: Dialect): void {
  if (value) {
    body.byte(1);
    body.sized(value);
    return;
  }
  body.byte(dialect === 0 ? 0 : 1);
  body.uint32(dialect === 0 ? 0 : NULL_LENGTH);
}

function writeTemplate(body: RpcWriter, template: Template): void {
  body.uint32(template.length);
  for (const [type, given] of template) {
    const value =
      typeof given === 'number' ? encodeUlong(given) : typeof given === 'boolean' ? Uint8Array.of(given ? 1 : 0) : given;
    body.uint32(type);
    body.byte(1);
    body.uint32(value.length);
    if (typeof given === 'number') body.ulong(given);
    else if (typeof given === 'boolean') body.byte(given ? 1 : 0);
    else body.sized(value);
  }
}

function writeQueries(body: RpcWriter, queries: Queries): void {
  body.uint32(queries.length);
  for (const [type, room] of queries) {
    body.uint32(type);
    body.uint32(room);
  }
}

function writeMechanism(body: RpcWriter, { type, write }: TestMechanism, dialect: Dialect): void {
  body.uint32(type);
  if (type === NULL_LENGTH) return;
  if (write) {
    if (dialect === 2) body.byte(1);
    write(body);
  } else if (dialect < 2) body.uint32(NULL_LENGTH);
}

export function readPart(reader: RpcReader, part: string): Taken {
  switch (part) {
    case 'u':
      return reader.ulong();
    case 's':
      return new TextDecoder().decode(reader.sized());
    case 'v':
      return reader.byte() * 256 + reader.byte();
    case 'ay':
      return reader.byte() === 1 ? { value: reader.sized() ?? new Uint8Array() } : { length: reader.uint32() };
    case 'au': {
      const isThere = reader.byte() === 1;
      const length = reader.uint32();
      return isThere ? { value: Array.from({ length }, () => reader.ulong()) } : { length };
    }
    case 'aA':
      return Array.from({ length: reader.uint32() }, () => readAttribute(reader));
    case 'P':
      return reader.byte();
    default:
      throw new Error(`${part} is no part of an answer`);
  }
}

/** CK_BBOOL and CK_ULONG, where they do not travel as bytes (p11-kit/rpc-message.c, map_attribute_to_value_type). */
const BYTES_OF_TYPE: ReadonlyMap<number, 1 | 8> = new Map([
  ...[0x01, 0x02, 0x86, 0x103, 0x104, 0x105, 0x106, 0x107, 0x108, 0x109, 0x10a, 0x10b, 0x10c].map((type) => [type, 1] as const),
  ...[0x162, 0x163, 0x164, 0x165, 0x170, 0x171, 0x200, 0x202, 0x210, 0x301, 0x302, 0x405].map((type) => [type, 1] as const),
  ...[0x00, 0x80, 0x87, 0x88, 0x100, 0x121, 0x133, 0x134, 0x160, 0x161, 0x166, 0x201, 0x300].map((type) => [type, 8] as const),
  ...[0x400, 0x401, 0x402, 0x403, 0x404, 0x406, 0x500].map((type) => [type, 8] as const),
]);

function readAttribute(reader: RpcReader): Got {
  const type = reader.uint32();
  if (reader.byte() === 0) return { type, isValid: false };
  const length = reader.uint32();
  const width = BYTES_OF_TYPE.get(type);
  const value =
    width === 1 ? Uint8Array.of(reader.byte()) : width === 8 ? encodeUlong(reader.ulong()) : (reader.sized() ?? undefined);
  return { type, isValid: true, length, ...(value ? { value } : {}) };
}
