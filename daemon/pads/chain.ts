/**
 * The order and the times of samples, so that neither can be changed afterwards: a chain of SHA-256 over each sample, with the pad's time and this machine's, which
 * begins with the hash of the document and the pad. A signature that was recorded and is played again has another document, another pad or another chain.
 */
import { createHash } from 'node:crypto';
import type { PadDescription, PenSample } from '../../drivers/pads/driver.ts';

/** Bytes of a record: big endian, micrometres, microseconds, pressure in 65535ths, flags. */
export const RECORD_BYTES = 36;
const START = 'kortd.pad-chain/1';
const IS_DOWN = 1;

export interface ChainStart {
  /** SHA-256. */
  readonly documentHash: Uint8Array;
  readonly pad: PadIdentity;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
}

export type PadIdentity = Pick<PadDescription, 'driver' | 'model'> & {
  readonly serialNumber: string | null;
  readonly firmware: string | null;
};

export function identityOf({ driver, model, serialNumber, firmware }: PadDescription): PadIdentity {
  return { driver, model, serialNumber: serialNumber ?? null, firmware: firmware ?? null };
}

export class SampleChain {
  readonly #records: Uint8Array[] = [];
  #head: Uint8Array;

  constructor({ documentHash, pad, startedAt }: ChainStart) {
    const { driver, model, serialNumber, firmware } = pad;
    const who = JSON.stringify([START, driver, model, serialNumber, firmware, new Date(startedAt).toISOString()]);
    this.#head = hash(Buffer.from(who), documentHash);
  }

  /** `hostMs`: when it came, since the first. */
  add(sample: PenSample, hostMs: number): void {
    this.addRecord(encodeRecord(sample, hostMs));
  }

  addRecord(record: Uint8Array): void {
    this.#records.push(record);
    this.#head = hash(this.#head, record);
  }

  /** Hexadecimal. */
  get head(): string {
    return Buffer.from(this.#head).toString('hex');
  }

  /** All of them, one behind the other. */
  get records(): Uint8Array {
    return Buffer.concat(this.#records);
  }
}

function encodeRecord(sample: PenSample, hostMs: number): Uint8Array {
  const record = Buffer.alloc(RECORD_BYTES);
  record.writeUInt32BE(sample.sequence, 0);
  record.writeBigUInt64BE(BigInt(Math.round(sample.timeMs * 1_000)), 4);
  record.writeBigUInt64BE(BigInt(Math.max(Math.round(hostMs * 1_000), 0)), 12);
  record.writeInt32BE(Math.round(sample.xMm * 1_000), 20);
  record.writeInt32BE(Math.round(sample.yMm * 1_000), 24);
  record.writeUInt16BE(Math.round(Math.min(Math.max(sample.pressure, 0), 1) * 0xffff), 28);
  record.writeUInt8(sample.isDown ? IS_DOWN : 0, 30);
  return record;
}

function hash(...parts: readonly Uint8Array[]): Uint8Array {
  const digest = createHash('sha256');
  for (const part of parts) digest.update(part);
  return digest.digest();
}
