/**
 * The key of the line between a STU pad and this machine, as Wacom's STU SDK agrees it (Tablet.cpp): of the first generation by Diffie-Hellman in 128 bits, of the
 * second by RSA-2048, under which the pad sends an AES key. It keeps listeners off the cable and no more: what a signature is bound to is not settled here.
 * That numbers of the first generation are big endian is unconfirmed.
 */
import {
  constants,
  createDecipheriv,
  createPrivateKey,
  generateKeyPair,
  generatePrime,
  privateDecrypt,
  randomBytes,
  type KeyObject,
} from 'node:crypto';
import { promisify } from 'node:util';
import type { HidPort } from '../../ports/hid-port.ts';
import { DeviceProtocolError, DeviceTimeoutError } from '../../errors.ts';
import { LENGTH, REPORT, STATUS, parseStatus } from './reports.ts';

/** Deciphers one block of sixteen bytes. */
export type BlockDecipher = (block: Uint8Array) => Uint8Array;

export interface KeyWait {
  readonly signal: AbortSignal;
  /** Resolves after a moment, and throws when the deadline of the pad has passed. */
  readonly pause: () => Promise<void>;
}

/** Sub-commands of report 40 (STU SDK, EncryptionCommandNumber). */
const COMMAND = { setType: 1, setParameter: 2, getParameter: 4, generateKey: 5 } as const;
/** Places of parameters (EncryptionCommandParameterBlockIndex). */
const PARAMETER = { e: 0, n: 1, c: 2 } as const;
const AES_256 = 2;
/** OAEP in bits 7 and 6, RSA-2048 in the others. */
const OAEP_RSA_2048 = (2 << 6) | 2;
const AES_256_BYTES = 32;
const RSA_BYTES = 256;
const BLOCK_BYTES = 64;
/** StatusCodeRSA of report 50. */
const RSA_READY = 0x00;
const RSA_CALCULATING = 0xfa;

const makeKeyPair = promisify(generateKeyPair);

export function agreeKey(kind: 'dh' | 'rsa', port: HidPort, wait: KeyWait): Promise<BlockDecipher> {
  return kind === 'dh' ? agreeByDiffieHellman(port, wait) : agreeByRsa(port, wait);
}

const DH_BYTES = 16;
const DH_BASE = 2n;

async function agreeByDiffieHellman(port: HidPort, wait: KeyWait): Promise<BlockDecipher> {
  const [prime, base] = await dhGroup(port);
  const own = numberOf(randomBytes(DH_BYTES)) % prime;
  await port.setFeature(Uint8Array.of(REPORT.hostPublicKey, ...bytesOf(power(base, own, prime))));
  while (parseStatus(await port.getFeature(REPORT.status, LENGTH.status)).code === STATUS.calculation) await wait.pause();
  const theirs = numberOf((await port.getFeature(REPORT.devicePublicKey, LENGTH.publicKey)).subarray(1));
  if (theirs <= 1n || theirs >= prime - 1n)
    throw new DeviceProtocolError("agreeing a key with the pad: its number is none of the group's");
  return decipherWith('aes-128-ecb', bytesOf(power(theirs, own, prime)));
}

/** The pad keeps it; one that has none yet gets it once, for its memory wears. */
async function dhGroup(port: HidPort): Promise<readonly [bigint, bigint]> {
  const prime = numberOf((await port.getFeature(REPORT.dhPrime, LENGTH.publicKey)).subarray(1));
  const base = numberOf((await port.getFeature(REPORT.dhBase, LENGTH.dhBase)).subarray(1));
  if (prime > 3n && base > 1n) return [prime, base];
  const made = await new Promise<bigint>((resolve, reject) => {
    generatePrime(8 * DH_BYTES, { safe: true, bigint: true }, (error, prime) => (error ? reject(error) : resolve(prime)));
  });
  await port.setFeature(Uint8Array.of(REPORT.dhPrime, ...bytesOf(made)));
  await port.setFeature(Uint8Array.of(REPORT.dhBase, 0, Number(DH_BASE)));
  return [made, DH_BASE];
}

/** One pair for the life of the process: it protects a key that lives for one capture. */
let rsaPair: Promise<{ readonly privateKey: KeyObject; readonly n: Uint8Array; readonly e: Uint8Array }> | undefined;

async function makeRsaPair(): Promise<{ readonly privateKey: KeyObject; readonly n: Uint8Array; readonly e: Uint8Array }> {
  const { privateKey } = await makeKeyPair('rsa', { modulusLength: 8 * RSA_BYTES });
  const { n = '', e = '' } = privateKey.export({ format: 'jwk' });
  return { privateKey: createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' })), n: decode(n), e: decode(e) };
}

async function agreeByRsa(port: HidPort, wait: KeyWait): Promise<BlockDecipher> {
  const { privateKey, n, e } = await (rsaPair ??= makeRsaPair());
  wait.signal.throwIfAborted();
  await command(port, [COMMAND.setType, AES_256, OAEP_RSA_2048]);
  await command(port, [COMMAND.setParameter, PARAMETER.e, e.length], e);
  for (let at = 0; at < n.length; at += BLOCK_BYTES)
    await command(port, [COMMAND.setParameter, PARAMETER.n, BLOCK_BYTES], n.subarray(at, at + BLOCK_BYTES));
  await command(port, [COMMAND.generateKey, 0, 0]);
  for (;;) {
    const status = await port.getFeature(REPORT.encryptionStatus, LENGTH.encryptionStatus);
    if (status.length < 9) throw new DeviceProtocolError('agreeing a key with the pad: its answer is too short');
    if (status[6] === RSA_READY) break;
    if (status[6] !== RSA_CALCULATING)
      throw new DeviceProtocolError(
        `agreeing a key with the pad: it answered ${(status[6] ?? 0).toString(16)}, result ${String(status[7])}`,
      );
    await wait.pause();
  }
  return decipherWith('aes-256-ecb', openKey(privateKey, await readEncryptedKey(port)));
}

async function readEncryptedKey(port: HidPort): Promise<Uint8Array> {
  const blocks: Uint8Array[] = [];
  for (let index = 0; index < RSA_BYTES / BLOCK_BYTES; index++) {
    await command(port, [COMMAND.getParameter, PARAMETER.c, index]);
    const answer = await port.getFeature(REPORT.encryptionCommand, LENGTH.encryptionCommand);
    if (answer.length < LENGTH.encryptionCommand)
      throw new DeviceProtocolError('fetching the key of the pad: a block is too short');
    blocks.push(answer.subarray(4, 4 + BLOCK_BYTES));
  }
  return Buffer.concat(blocks);
}

/** The key is the tail of what was encrypted. */
function openKey(key: KeyObject, encrypted: Uint8Array): Uint8Array {
  try {
    const plain = privateDecrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' }, encrypted);
    if (plain.length >= AES_256_BYTES) return plain.subarray(-AES_256_BYTES);
  } catch (error) {
    throw new DeviceProtocolError('opening the key of the pad: it is not encrypted for this machine', {}, { cause: error });
  }
  throw new DeviceProtocolError('opening the key of the pad: it is too short');
}

async function command(port: HidPort, head: readonly number[], data: Uint8Array = new Uint8Array(0)): Promise<void> {
  const report = new Uint8Array(LENGTH.encryptionCommand);
  report.set([REPORT.encryptionCommand, ...head]);
  report.set(data, 4);
  await port.setFeature(report);
}

function decipherWith(algorithm: 'aes-128-ecb' | 'aes-256-ecb', key: Uint8Array): BlockDecipher {
  return (block) => {
    const decipher = createDecipheriv(algorithm, key, null).setAutoPadding(false);
    return Buffer.concat([decipher.update(block), decipher.final()]);
  };
}

function decode(base64url: string): Uint8Array {
  return new Uint8Array(Buffer.from(base64url, 'base64url'));
}

function numberOf(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString('hex') || '0'}`);
}

function bytesOf(number: bigint): Uint8Array {
  return new Uint8Array(Buffer.from(number.toString(16).padStart(2 * DH_BYTES, '0'), 'hex'));
}

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  let square = base % modulus;
  for (let left = exponent; left > 0n; left >>= 1n) {
    if (left & 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}

/** A pad that takes longer than this is mute. */
export const PAD_PATIENCE_MS = 5_000;

/** A wait in small steps until the deadline. */
export function patience(attempt: string, signal: AbortSignal): KeyWait {
  const deadline = performance.now() + PAD_PATIENCE_MS;
  return {
    signal,
    pause: async () => {
      signal.throwIfAborted();
      if (performance.now() > deadline)
        throw new DeviceTimeoutError(`${attempt}: the pad was not ready in time`, { timeoutMs: PAD_PATIENCE_MS });
      await new Promise((resolve) => setTimeout(resolve, 5));
    },
  };
}
