/** The pad's side of the two ways to agree a key of its line, and what it does with the key. */
import { constants, createCipheriv, createPublicKey, publicEncrypt, randomBytes } from 'node:crypto';

/** Status of the three RSA parameters in report 50: there, or being computed. */
const READY = 0x00;
const MISSING = 0x0b;
const CALCULATING = 0xfa;

/** Second generation (reports 40 and 50): the host's public key comes in pieces, an AES key goes back under it. */
export class RsaExchange {
  #type = { symmetric: 0, padding: 0, asymmetric: 0 };
  #e = Buffer.alloc(0);
  #n = Buffer.alloc(0);
  #c: Buffer | undefined;
  #asked = 0;
  /** Polls of report 50 that still say that the key is being computed. */
  #polls = 0;
  key: Buffer | undefined;

  /** Payload of report 40; false when it is refused. */
  command([command = 0, parameter = 0, lengthOrIndex = 0, ...data]: readonly number[]): boolean {
    if (command === 1) {
      this.#type = { symmetric: parameter, padding: lengthOrIndex >> 6, asymmetric: lengthOrIndex & 0x3f };
      this.#e = Buffer.alloc(0);
      this.#n = Buffer.alloc(0);
      this.#c = undefined;
      return parameter <= 2 && this.#type.padding === 2 && this.#type.asymmetric <= 2;
    }
    if (command === 2) {
      const piece = Buffer.from(data.slice(0, lengthOrIndex));
      if (parameter === 0) this.#e = piece;
      else this.#n = Buffer.concat([this.#n, piece]);
      return parameter <= 1 && lengthOrIndex <= 64;
    }
    if (command === 4) {
      this.#asked = lengthOrIndex;
      return parameter === 2 && this.#c !== undefined;
    }
    return command === 5 && this.#generate();
  }

  /** Payload of report 40 as it is read: a block of the encrypted key. */
  block(): Buffer {
    const data = Buffer.alloc(64);
    const length = this.#c?.copy(data, 0, this.#asked * 64, this.#asked * 64 + 64) ?? 0;
    return Buffer.concat([Buffer.of(4, 2, length), data]);
  }

  /** Payload of report 50. */
  status(): Buffer {
    const { symmetric, padding, asymmetric } = this.#type;
    const c = this.#c ? (this.#polls-- > 0 ? CALCULATING : READY) : MISSING;
    const parameters = [this.#e.length > 0 ? READY : MISSING, this.#n.length > 0 ? READY : MISSING, c];
    return Buffer.concat([Buffer.of(symmetric, (padding << 6) | asymmetric, 0, ...parameters, 0, 7), Buffer.alloc(8)]);
  }

  #generate(): boolean {
    const size = [128, 192, 256][this.#type.asymmetric];
    if (this.#n.length !== size || this.#e.length === 0) return false;
    this.key = randomBytes(16 + 8 * this.#type.symmetric);
    const jwk = { kty: 'RSA', n: this.#n.toString('base64url'), e: this.#e.toString('base64url') };
    const key = createPublicKey({ key: jwk, format: 'jwk' });
    this.#c = publicEncrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' }, this.key);
    this.#polls = 3;
    return true;
  }
}

/** First generation (reports 13, 14, 1A and 1B): 128 bits of Diffie-Hellman. */
export class DhExchange {
  prime = Buffer.alloc(16);
  base = Buffer.alloc(2);
  devicePublic = Buffer.alloc(16);
  key: Buffer | undefined;

  /** What the host sent in report 13. False while there is no prime. */
  hostPublic(host: Buffer): boolean {
    const prime = big(this.prime);
    if (prime < 5n) return false;
    const own = big(randomBytes(16)) % prime;
    this.devicePublic = bytes(modPow(big(this.base), own, prime));
    this.key = bytes(modPow(big(host), own, prime));
    return true;
  }
}

export function encryptBlock(key: Buffer, block: Buffer): Buffer {
  const cipher = createCipheriv(`aes-${8 * key.length}-ecb`, key, null).setAutoPadding(false);
  return Buffer.concat([cipher.update(block), cipher.final()]);
}

function big(buffer: Buffer): bigint {
  return BigInt(`0x${buffer.toString('hex')}`);
}

function bytes(value: bigint): Buffer<ArrayBuffer> {
  return Buffer.from(value.toString(16).padStart(32, '0'), 'hex');
}

function modPow(base: bigint, exponent: bigint, modulus: bigint): bigint {
  if (exponent === 0n) return 1n;
  const half = modPow(base, exponent / 2n, modulus);
  const whole = (half * half) % modulus;
  return exponent % 2n === 1n ? (whole * base) % modulus : whole;
}
