/** Frames that mean no good: those of real clients made wrong, and every call with arguments that no client would give. The same again for the same seed. */
import * as ck from '../../../pkcs11-module/constants.ts';
import { CALLS, CALL_NAMES, callOf, type CallName, type Dialect } from '../../../pkcs11-module/rpc/calls.ts';
import type { RpcWriter } from '../../../pkcs11-module/rpc/writer.ts';
import type { SeededRandom } from '../../fuzz/seeded.ts';
import { encodeRequest, frameOf, type Given } from '../rpc-client.ts';
import type { RecordedConnection, RecordedFrame } from '../transcripts/transcript.ts';

/** Their PINs are spent by nobody here: the cards are for the good client too. */
const WITH_PINS: ReadonlySet<number> = new Set(
  (['C_InitPIN', 'C_InitToken', 'C_InitToken2', 'C_Login', 'C_LoginUser', 'C_SetPIN'] as const).map((name) => CALLS[name].id),
);
const ONE_IN = 6;
const LENGTHS = [
  0, 1, 0x7f, 0xff, 0x400, 0x401, 0xffff, 0x40_0000, 0x40_0001, 0x7fff_fffe, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff,
] as const;
const NUMBERS = [0, 1, 2, 3, 5, 6, 7, 255, 4_096, 0xffff_ffff, 2 ** 40, -1] as const;

/** A recorded connection, some frames of it made wrong, or in another order, or twice. */
export function wrongConnection(random: SeededRandom, { frames }: RecordedConnection): readonly Uint8Array[] {
  const requests = frames.filter(({ side }) => side === 'request');
  const sent = requests.flatMap((request) =>
    random.below(ONE_IN) === 0 ? wrongFrames(random, request, requests) : [whole(request)],
  );
  return sent.filter((bytes) => isHarmless(bytes, requests));
}

function whole({ code, body }: RecordedFrame): Uint8Array {
  return frameOf(code, body);
}

function wrongFrames(random: SeededRandom, request: RecordedFrame, all: readonly RecordedFrame[]): readonly Uint8Array[] {
  const { code, body } = request;
  switch (random.below(7)) {
    case 0: // cut, lengthened, bits turned over
      return [frameOf(code, random.damage(body))];
    case 1: // a length that is none
      return [frameOf(code, withLength(random, body))];
    case 2: // the frame's own lengths
      return [withLength(random, whole(request).subarray(0, 12), 4)];
    case 3: // another call than its signature says
      return [frameOf(code, withCall(random, body))];
    case 4: // twice with one code
      return [whole(request), whole(request)];
    case 5: // what belongs elsewhere
      return [whole(all[random.below(all.length)] ?? request), whole(request)];
    default: // what is no frame
      return [random.bytes(random.below(64))];
  }
}

function withLength(random: SeededRandom, bytes: Uint8Array, from = 0): Uint8Array {
  const copy = Buffer.from(bytes);
  if (copy.length < from + 4) return copy;
  copy.writeUInt32BE(random.pick(LENGTHS), from + random.below(copy.length - from - 3));
  return copy;
}

function withCall(random: SeededRandom, body: Uint8Array): Uint8Array {
  const copy = Buffer.from(body);
  copy.writeUInt32BE(random.below(100), 0);
  return copy;
}

const HEADER_BYTES = 18;

function isHarmless(frame: Uint8Array, requests: readonly RecordedFrame[]): boolean {
  const body = Buffer.from(frame.subarray(HEADER_BYTES));
  if (body.length < 4 || !WITH_PINS.has(body.readUInt32BE(0))) return true;
  return requests.some((request) => body.equals(request.body));
}

/** They begin, end, or hold up what comes after; others try them. */
const ELSEWHERE: ReadonlySet<CallName> = new Set(['C_Initialize', 'C_Finalize', 'C_WaitForSlotEvent'] as const);

/** Every call that clients of the dialect have, with arguments of the right form; some of them then made wrong. */
export function everyCall(random: SeededRandom, dialect: Dialect): readonly Uint8Array[] {
  const names = CALL_NAMES.filter((name) => callOf(CALLS[name].id, dialect) && !ELSEWHERE.has(name));
  return names.map((name, index) => {
    const frame = encodeRequest(0x100 + index, name, argumentsFor(random, name), dialect);
    const isDamaged = random.below(names.length) === 0 && !WITH_PINS.has(CALLS[name].id);
    return isDamaged ? frameOf(0x100 + index, random.damage(frame.subarray(HEADER_BYTES))) : frame;
  });
}

function argumentsFor(random: SeededRandom, name: CallName): readonly Given[] {
  const parts = CALLS[name].request.match(/[af][yuA]|[a-zA-Z]/g) ?? [];
  return parts.map((part) => argument(random, part, WITH_PINS.has(CALLS[name].id)));
}

function argument(random: SeededRandom, part: string, isSecret: boolean): Given {
  switch (part) {
    case 'y':
      return random.below(256);
    case 'u':
      return random.pick(NUMBERS);
    case 's':
    case 'z':
      return 'x'.repeat(random.below(64));
    case 'ay':
      return isSecret || random.below(3) === 0 ? undefined : random.bytes(random.pick([0, 1, 8, 20, 32, 64, 256, 20_000]));
    case 'fy':
    case 'fu':
      return random.pick([null, 0, 1, 16, 1_024, 0x7fff_ffff, 0xffff_ffff]);
    case 'aA':
      return Array.from({ length: random.below(12) }, () => random.pick(ATTRIBUTES));
    case 'fA':
      return Array.from(
        { length: random.below(40) },
        () => [random.below(0x700), random.pick([0, 1, 8, 128, 0xffff_ffff])] as const,
      );
    default:
      return mechanism(random);
  }
}

type Entry = readonly [number, Uint8Array | number | boolean];

const ATTRIBUTES: readonly [Entry, ...Entry[]] = [
  [ck.CKA_CLASS, 3],
  [ck.CKA_CLASS, 0xffff_ffff],
  [ck.CKA_TOKEN, true],
  [ck.CKA_PRIVATE, false],
  [ck.CKA_SIGN, true],
  [ck.CKA_KEY_TYPE, 2 ** 40],
  [ck.CKA_ID, new Uint8Array()],
  [ck.CKA_ID, new Uint8Array(100_000)],
  [ck.CKA_LABEL, new Uint8Array(64).fill(0xff)],
  [ck.CKA_VALUE, new Uint8Array(3_000)],
  [0x7fff_ffff, new Uint8Array(1)],
];

function mechanism(random: SeededRandom): Given {
  const type = random.pick([
    ck.CKM_RSA_PKCS,
    ck.CKM_SHA256_RSA_PKCS,
    ck.CKM_ECDSA,
    ck.CKM_SHA256,
    ck.CKM_RSA_PKCS_PSS,
    0x00,
    0x03,
  ]);
  if (type !== ck.CKM_RSA_PKCS_PSS) return { type };
  return {
    type,
    write: (body: RpcWriter) => {
      for (let count = 0; count < 3; count++) body.ulong(random.pick([0, 2, 0x250, 32, 2 ** 40]));
    },
  };
}
