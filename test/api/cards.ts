/** Cards for the tests of the API: one that counts what reaches it, one that is no PIV card, one that answers nonsense, and PIV cards with keys on them. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { formatHex } from '../../apdu/bytes.ts';
import type { SimulatedCard } from '../../drivers/simulated/card.ts';
import {
  createPivCard,
  type PivCardOptions,
  type PivCardState,
  type SimulatedPivCard,
} from '../../drivers/simulated/cards/piv.ts';
import { signCertificate } from '../../drivers/simulated/certificate.ts';

export const PIN = '123456';
export const PUK = '12345678';
export const WRONG_PIN = '654321';
export const WRONG_PUK = '87654321';
/** Well formed, and not that of any card here. */
export const WRONG_MANAGEMENT_KEY = 'a1a2a3a4a5a6a7a8b1b2b3b4b5b6b7b8c1c2c3c4c5c6c7c8';

/** ISO/IEC 7816-4:2020, table 4, and Yubico's instructions: what the tests look for on the wire. */
export const INS = {
  verify: 0x20,
  change: 0x24,
  resetRetryCounter: 0x2c,
  generate: 0x47,
  authenticate: 0x87,
  select: 0xa4,
  getData: 0xcb,
  putData: 0xdb,
} as const;

/** A card that remembers every command, and can be held in the middle of one. */
export class WatchedCard<C extends SimulatedCard = SimulatedCard> implements SimulatedCard {
  readonly inner: C;
  /** In hexadecimal, in order. */
  commands: string[] = [];
  resets = 0;
  /** Answers wait for this, where it is set. */
  hold: Promise<void> | undefined;

  constructor(inner: C) {
    this.inner = inner;
  }

  get kind(): string {
    return this.inner.kind;
  }

  get atr(): Uint8Array {
    return this.inner.atr;
  }

  get exchanges(): number {
    return this.commands.length;
  }

  powerUp(): void {
    this.inner.powerUp();
  }

  reset(): void {
    this.resets++;
    this.inner.reset();
  }

  process(command: Uint8Array): Uint8Array | Promise<Uint8Array> {
    this.commands.push(formatHex(command));
    return this.hold ? this.hold.then(() => this.inner.process(command)) : this.inner.process(command);
  }

  /** How many commands with this instruction came, those that carry data apart from those that only ask. */
  count(instruction: number, what: 'all' | 'with data' = 'all'): number {
    const hex = formatHex(Uint8Array.of(instruction));
    return this.commands.filter((command) => command.slice(2, 4) === hex && (what === 'all' || command.length > 10)).length;
  }

  forget(): void {
    this.commands = [];
  }
}

export type WatchedPivCard = WatchedCard<SimulatedPivCard>;

export function watchedPivCard(options: PivCardOptions = {}): WatchedPivCard {
  return new WatchedCard(createPivCard({ firmware: '5.7.0', ...options }));
}

/** Everything that a card keeps, tries included: for "nothing changed". */
export function stateOf(card: WatchedPivCard): PivCardState {
  return structuredClone(card.inner.state());
}

export type TestKeyKind = 'P-256' | 'P-384' | 'RSA-1024' | 'RSA-2048';

const madeKeys = new Map<string, { readonly privateKey: KeyObject; readonly publicKey: KeyObject }>();

/** The same key each time for one name: RSA keys take long. */
export function testKey(kind: TestKeyKind, name = ''): { readonly privateKey: KeyObject; readonly publicKey: KeyObject } {
  const id = `${kind} ${name}`;
  const known = madeKeys.get(id);
  if (known) return known;
  const made =
    kind === 'P-256' || kind === 'P-384'
      ? generateKeyPairSync('ec', { namedCurve: kind })
      : generateKeyPairSync('rsa', { modulusLength: Number(kind.slice(4)) });
  madeKeys.set(id, made);
  return made;
}

/** A key as a card description has it. */
export function cardKey(
  kind: TestKeyKind,
  options: { readonly certificate?: string; readonly name?: string } = {},
): { privateKey: string; certificate?: string } {
  const { privateKey } = testKey(kind, options.name);
  return {
    privateKey: privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64'),
    ...(options.certificate === undefined ? {} : { certificate: options.certificate }),
  };
}

export function spkiOf(key: KeyObject): string {
  return key.export({ type: 'spki', format: 'der' }).toString('base64');
}

/** A certificate for a public key by a test authority, base64 of DER. `fill` adds so many bytes. */
export function certificateFor(
  publicKey: KeyObject,
  options: { readonly name?: string; readonly hsaId?: string; readonly fill?: number } = {},
): string {
  const { name = 'Test Person', hsaId, fill = 0 } = options;
  const der = signCertificate(
    {
      serialNumber: 4711n,
      subject: [['C', 'SE'], ...(hsaId === undefined ? [] : [['serialNumber', hsaId] as const]), ['CN', name]],
      issuer: [['CN', 'kortd test authority']],
      notBefore: new Date('2024-01-01T00:00:00Z'),
      notAfter: new Date('2044-01-01T00:00:00Z'),
      publicKey: new Uint8Array(publicKey.export({ type: 'spki', format: 'der' })),
      extensions: fill > 0 ? [{ oid: '1.3.6.1.4.1.5923.99', value: new Uint8Array(fill) }] : [],
    },
    testKey('P-256', 'authority').privateKey,
  );
  return Buffer.from(der).toString('base64');
}

/** A card of another kind: no application on it that kortd knows, 6D00 to nearly everything. */
export function createOtherCard(): WatchedCard {
  const nothing = (): void => undefined;
  return new WatchedCard({
    kind: 'other',
    atr: Uint8Array.of(0x3b, 0x80, 0x80, 0x01, 0x01),
    powerUp: nothing,
    reset: nothing,
    process: (command) => (command[1] === INS.select ? Uint8Array.of(0x6a, 0x82) : Uint8Array.of(0x6d, 0x00)),
  });
}

/** mulberry32: the same numbers at every run. */
export function seededNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}

const PLAUSIBLE_STATUS = [
  0x9000, 0x9000, 0x9000, 0x61ff, 0x6100, 0x6c10, 0x6700, 0x63c3, 0x63c0, 0x6300, 0x6983, 0x6a82, 0x6a80, 0x6a84,
];

/**
 * A hostile card: the ATR of a YubiKey, and random answers. Half of them end in a status word that leads on; some of the data begins
 * as TLV that lies about its length.
 */
export function createHostileCard(seed: number): WatchedCard {
  const next = seededNumbers(seed);
  const nothing = (): void => undefined;
  const below = (bound: number): number => next() % bound;
  const answer = (): Uint8Array => {
    const length = [0, 1, 2, 5, 16, 60, 255, 1_000][below(8)] ?? 0;
    const bytes = Uint8Array.from({ length: length + 2 }, () => below(256));
    if (below(3) === 0 && length >= 5)
      bytes.set(
        [
          [0x53, 0x82, 0xff, 0xff, 0x70],
          [0x7c, 0x84, 0x7f, 0xff, 0xff],
          [0x53, 0x03, 0x70, 0x01, 0x30],
        ][below(3)] ?? [],
      );
    if (below(2) === 0) {
      const statusWord = PLAUSIBLE_STATUS[below(PLAUSIBLE_STATUS.length)] ?? 0x9000;
      bytes.set([statusWord >> 8, statusWord & 0xff], length);
    }
    if (below(20) === 0) return bytes.slice(0, below(2));
    return bytes;
  };
  return new WatchedCard({
    kind: 'hostile',
    atr: createPivCard().atr,
    powerUp: nothing,
    reset: nothing,
    process: (command) => (command[1] === INS.select && below(4) > 0 ? Uint8Array.of(0x90, 0x00) : answer()),
  });
}
