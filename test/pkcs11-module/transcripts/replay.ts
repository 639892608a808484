/**
 * Sends what a recorded client sent, and tells both answers, the recorded one and ours, in a form in which they can be compared: handles are numbered by who numbers
 * them, signatures by a random number and random bytes are never the same twice.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { CALLS, type CallName } from '../../../pkcs11-module/rpc/calls.ts';
import { FrameReader, type Frame } from '../../../pkcs11-module/rpc/frame.ts';
import { RpcReader } from '../../../pkcs11-module/rpc/reader.ts';
import { within } from '../../api/support.ts';
import { frameOf, readPart, type Sized, type Taken } from '../rpc-client.ts';
import { callNameOf, type RecordedConnection, type RecordedFrame } from './transcript.ts';

export interface Exchange {
  readonly name: CallName;
  readonly recorded: ToldAnswer;
  readonly ours: ToldAnswer;
  /** CKM_, of C_SignInit. */
  readonly mechanism?: number;
}

/** A CKR_ value, or what came back by the call's signature. */
export type ToldAnswer = { readonly error: number } | { readonly values: readonly Taken[] };

const SLOT_FIRST: ReadonlySet<CallName> = new Set([
  'C_CloseAllSessions',
  'C_GetMechanismInfo',
  'C_GetMechanismList',
  'C_GetSlotInfo',
  'C_GetTokenInfo',
  'C_OpenSession',
] as const);
const OBJECT_SECOND: ReadonlySet<CallName> = new Set(['C_GetAttributeValue', 'C_GetObjectSize', 'C_DestroyObject'] as const);
/** The call's number, and the length of its signature. */
const HEAD_BYTES = 8;
const ULONG_BYTES = 8;

/** One connection, from the first byte on. The answers to what it sent, in its order. */
export async function replay(path: string, recorded: RecordedConnection): Promise<readonly Exchange[]> {
  await using client = await Replayer.open(path, recorded.version, recorded.answered);
  const exchanges: Exchange[] = [];
  for (const request of recorded.frames.filter(({ side }) => side === 'request')) {
    const answer = recorded.frames.find(({ side, code }) => side === 'answer' && code === request.code);
    if (!answer) continue; // the client was gone before it came
    exchanges.push(await client.exchange(request, answer));
  }
  return exchanges;
}

class Replayer implements AsyncDisposable {
  readonly #socket: Socket;
  readonly #frames = new FrameReader();
  readonly #slots = new Map<bigint, bigint>();
  readonly #sessions = new Map<bigint, bigint>();
  /** By the session that found them. */
  readonly #objects = new Map<string, bigint>();
  #answered: ((frame: Frame) => void) | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (piece: Buffer) => {
      for (const frame of this.#frames.push(piece)) this.#answered?.(frame);
    });
  }

  static async open(path: string, version: number, answered: number): Promise<Replayer> {
    const socket = connect(path);
    await once(socket, 'connect');
    socket.write(Uint8Array.of(version));
    const [first] = (await within(once(socket, 'data'), 'the version')) as [Buffer];
    if (first[0] !== answered) throw new Error(`version ${version} was answered ${first[0]}`);
    return new Replayer(socket);
  }

  async exchange(request: RecordedFrame, answer: RecordedFrame): Promise<Exchange> {
    const name = callNameOf(request.body);
    if (!name) throw new Error('the transcript has a call that there is not');
    const come = new Promise<Frame>((resolve) => (this.#answered = resolve));
    this.#socket.write(frameOf(request.code, this.#translated(name, request.body)));
    const frame = await within(come, name);
    if (frame.code !== request.code) throw new Error(`${name} was answered as ${frame.code}`);
    this.#learn(name, request.body, [answer.body, frame.body]);
    const mechanism = name === 'C_SignInit' ? { mechanism: mechanismOf(request.body) } : {};
    return { name, recorded: tell(name, answer.body), ours: tell(name, frame.body), ...mechanism };
  }

  /** The same request with our handles in place of those that the client had. */
  #translated(name: CallName, body: Uint8Array): Uint8Array {
    const bytes = Buffer.from(body);
    const { request } = CALLS[name];
    const first = HEAD_BYTES + request.length;
    if (!request.startsWith('u') || name === 'C_WaitForSlotEvent') return bytes;
    const handle = bytes.readBigUInt64BE(first);
    const put = (at: number, ours: bigint | undefined): void => {
      if (ours !== undefined) bytes.writeBigUInt64BE(ours, at);
    };
    if (SLOT_FIRST.has(name)) put(first, this.#slots.get(handle));
    else put(first, this.#sessions.get(handle));
    const at = OBJECT_SECOND.has(name) ? first + ULONG_BYTES : request === 'uMu' ? bytes.length - ULONG_BYTES : undefined;
    if (at !== undefined) put(at, this.#objects.get(`${handle} ${bytes.readBigUInt64BE(at)}`));
    return bytes;
  }

  #learn(name: CallName, request: Uint8Array, answers: readonly [Uint8Array, Uint8Array]): void {
    const [theirs, ours] = answers.map((body) => handlesIn(name, body));
    const session = name === 'C_FindObjects' ? Buffer.from(request).readBigUInt64BE(HEAD_BYTES + CALLS[name].request.length) : 0n;
    for (const [index, handle] of (theirs ?? []).entries()) {
      const own = ours?.[index];
      if (own === undefined) continue;
      if (name === 'C_GetSlotList') this.#slots.set(handle, own);
      else if (name === 'C_OpenSession') this.#sessions.set(handle, own);
      else this.#objects.set(`${session} ${handle}`, own);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#socket, 'close');
    this.#socket.destroy();
    await closed;
  }
}

/** Behind the session. */
function mechanismOf(body: Uint8Array): number {
  return Buffer.from(body).readUInt32BE(HEAD_BYTES + CALLS.C_SignInit.request.length + ULONG_BYTES);
}

function handlesIn(name: CallName, body: Uint8Array): readonly bigint[] {
  const told = tell(name, body);
  if ('error' in told) return [];
  const [first] = told.values;
  if (name === 'C_OpenSession') return [BigInt(Number(first))];
  if (name !== 'C_GetSlotList' && name !== 'C_FindObjects') return [];
  const list = first as Sized<readonly number[]>;
  return 'value' in list ? list.value.map(BigInt) : [];
}

const PART = /[af][yuA]|[a-zA-Z]/g;

function tell(name: CallName, body: Uint8Array): ToldAnswer {
  const reader = new RpcReader(body);
  const id = reader.uint32();
  const signature = new TextDecoder().decode(reader.sized());
  if (id === 0) return { error: reader.ulong() };
  const { id: wanted, reply } = CALLS[name];
  if (id !== wanted || signature !== reply) throw new Error(`${name} was answered by ${id} ${signature}`);
  const values = (reply.match(PART) ?? []).map((part) => readPart(reader, part));
  reader.end();
  return { values };
}
