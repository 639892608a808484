/** What the tests of this process typed: every PIN, PUK and management key that went out to a daemon, whether it was right or wrong. */

/** Shorter ones are in every number; cards have none so short. */
const SHORTEST = 6;
const PARAMETERS = /"(?:pin|newPin|puk|newPuk|managementKey|newManagementKey)"\s*:\s*("(?:[^"\\]|\\.)*")/g;
/** VERIFY, CHANGE REFERENCE DATA, RESET RETRY COUNTER with one or two PINs of eight bytes (SP 800-73-4 part 2, sections 3.2.1 to 3.2.3). */
const COMMANDS = /"00(?:20|24|2c)[0-9a-f]{4}(?:08|10)((?:[0-9a-f]{16}){1,2})"/gi;
/** A name of the API for the key that a card comes with, no key itself. */
const NO_SECRET = 'default';

const typed = new Set<string>();

export function typedValues(): readonly string[] {
  return [...typed];
}

/** One character again and again is not noted: zeros are everywhere. */
export function noteTyped(value: string): void {
  const isTold = value.length >= SHORTEST && new Set(value).size > 1;
  if (isTold && value !== NO_SECRET) typed.add(value);
}

/** A message on its way to the daemon, JSON or not: whatever it holds under the name of a secret, and in the commands of card.transmit. */
export function noteMessage(message: string | Uint8Array): void {
  const text = typeof message === 'string' ? message : Buffer.from(message).toString('latin1');
  for (const [, value = ''] of text.matchAll(PARAMETERS)) noteJson(value);
  for (const [, blocks = ''] of text.matchAll(COMMANDS)) {
    for (const [block] of blocks.matchAll(/.{16}/g)) {
      const pin = Buffer.from(block, 'hex')
        .toString('latin1')
        .replace(/\xff+$/, '');
      if (/^[\x20-\x7e]+$/.test(pin)) noteTyped(pin);
    }
  }
}

function noteJson(text: string): void {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return; // broken on purpose: the daemon will not find a secret in it either
  }
  if (typeof value === 'string') noteTyped(value);
}
