/** Check digits of machine-readable zones (ICAO Doc 9303-3, section 4.9): weights 7, 3, 1, and the sum's remainder by ten. */

const WEIGHTS = [7, 3, 1] as const;
const NOT_OF_MRZ = 0xff;
const CODE_LIMIT = 128;

/** What a character counts: digits their value, A to Z 10 to 35, the filler nothing. */
const VALUES = new Uint8Array(CODE_LIMIT).fill(NOT_OF_MRZ);
for (let digit = 0; digit < 10; digit++) VALUES[0x30 + digit] = digit;
for (let letter = 0; letter < 26; letter++) VALUES[0x41 + letter] = 10 + letter;
VALUES['<'.charCodeAt(0)] = 0;

/** True for what a machine-readable zone may hold: A to Z, 0 to 9 and the filler. */
export function isMrzCode(code: number): boolean {
  return code < CODE_LIMIT && VALUES[code] !== NOT_OF_MRZ;
}

/** Of characters that a machine-readable zone may hold; the sum goes on over several pieces as over one. */
export class CheckSum {
  #sum = 0;
  #count = 0;

  add(text: string, begin = 0, end = text.length): this {
    for (let index = begin; index < end; index++) {
      this.#sum += (VALUES[text.charCodeAt(index)] ?? 0) * (WEIGHTS[this.#count % WEIGHTS.length] ?? 0);
      this.#count++;
    }
    return this;
  }

  get digit(): number {
    return this.#sum % 10;
  }
}

export function checkDigitOf(text: string): number {
  return new CheckSum().add(text).digit;
}
