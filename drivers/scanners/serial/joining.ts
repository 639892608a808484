/**
 * Bytes of a serial line made into readings: between start and end marks, or until the line is silent; answers of type, length and value by their length. What
 * stands before a start mark is noise; a reading that grows beyond any zone is dropped, and the next one is found all the same.
 */
import type { Framing } from './framings.ts';

/** Three lines with what readers put around them, and ample. */
const MAX_READING = 1_024;
const TLV_HEADER = 3;

export class Joining {
  readonly #start: Buffer;
  readonly #end: Buffer;
  readonly #answers: Buffer | undefined;
  #held = Buffer.alloc(0);

  constructor({ start = '', end = '', codec, answers = '' }: Pick<Framing, 'answers' | 'codec' | 'end' | 'start'>) {
    this.#start = Buffer.from(start, 'hex');
    this.#end = Buffer.from(end, 'hex');
    this.#answers = codec === 'tlv' ? Buffer.from(answers, 'hex') : undefined;
  }

  /** Readings are ended by silence: `flush` tells. */
  get endsBySilence(): boolean {
    return this.#end.length === 0 && !this.#answers;
  }

  /** Readings that are whole with this. */
  add(chunk: Uint8Array): readonly string[] {
    this.#held = Buffer.concat([this.#held, chunk]);
    const readings = [...(this.#answers ? this.#takeAnswers(this.#answers) : this.#takeMarked())];
    if (this.#held.length > MAX_READING) this.#held = Buffer.alloc(0);
    return readings;
  }

  /** What is there when the line has been silent. */
  flush(): string | undefined {
    const held = this.#held;
    this.#held = Buffer.alloc(0);
    return held.length === 0 || !this.endsBySilence ? undefined : textOf(held);
  }

  *#takeMarked(): Generator<string> {
    if (this.#end.length === 0) return;
    for (let end = this.#held.indexOf(this.#end); end !== -1; end = this.#held.indexOf(this.#end)) {
      const whole = this.#held.subarray(0, end);
      // The last start mark: a reading that broke off leaves one without its end.
      const start = this.#start.length === 0 ? 0 : whole.lastIndexOf(this.#start);
      this.#held = this.#held.subarray(end + this.#end.length);
      if (start !== -1) yield textOf(whole.subarray(start + this.#start.length));
    }
  }

  *#takeAnswers(known: Buffer): Generator<string> {
    while (this.#held.length >= TLV_HEADER) {
      const [command = 0] = this.#held;
      const length = this.#held.readUInt16BE(1);
      if (!known.includes(command) || length > MAX_READING) {
        this.#held = this.#held.subarray(1); // out of step: the next byte may begin an answer
        continue;
      }
      if (this.#held.length < TLV_HEADER + length) return;
      const data = this.#held.subarray(TLV_HEADER, TLV_HEADER + length);
      this.#held = this.#held.subarray(TLV_HEADER + length);
      if (data.length > 0) yield textOf(data);
    }
  }
}

/** Of text alone: ends of lines stay, other control characters go. */
function textOf(bytes: Buffer): string {
  return bytes.toString('latin1').replaceAll(/[\u0000-\u0009\u000b\u000c\u000e-\u001f\u007f-\u00ff]/g, '');
}

/** Line length by the length of all. */
const ONE_LINE: ReadonlyMap<number, number> = new Map([
  [72, 36],
  [88, 44],
  [90, 30],
]);

/** Lines of a zone out of a reading; those without anything between them are cut where the form has its ends (ICAO Doc 9303-4 to -6). */
export function linesOf(reading: string): readonly string[] {
  const lines = reading
    .split(/[\r\n]+/)
    .map((line) => line.trim().toUpperCase())
    .filter((line) => line !== '');
  const [only = ''] = lines;
  const length = ONE_LINE.get(only.length);
  if (lines.length !== 1 || length === undefined) return lines.slice(0, 3);
  return Array.from({ length: only.length / length }, (_, index) => only.slice(index * length, (index + 1) * length));
}
