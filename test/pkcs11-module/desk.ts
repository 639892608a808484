/** A desk with a card in it, and a program that uses the card. */
import {
  watchedPivCard,
  cardKey,
  certificateFor,
  openBench,
  testKey,
  type Bench,
  type TestKeyKind,
  type WatchedPivCard,
} from '../api/support.ts';
import { Program } from './program.ts';

const KEYS = [
  ['9A', 'P-256'],
  ['9C', 'RSA-2048'],
  ['9D', 'P-256'],
] as const satisfies readonly (readonly [string, TestKeyKind])[];

export type KeyName = (typeof KEYS)[number][0];

/** The public half of a key of the card. */
export function publicKeyOf(name: KeyName): ReturnType<typeof testKey>['publicKey'] {
  const [, kind = 'P-256'] = KEYS.find(([one]) => one === name) ?? [];
  return testKey(kind, name).publicKey;
}

/** 9A signs by curve, 9C by RSA and wants its PIN each time, 9D agrees. */
export function filledPivCard(): WatchedPivCard {
  const keys = KEYS.map(([name, kind]) => [
    name,
    cardKey(kind, { name, certificate: certificateFor(publicKeyOf(name), { name: `Person ${name}` }) }),
  ]);
  return watchedPivCard({ keys: Object.fromEntries(keys) as Record<string, ReturnType<typeof cardKey>> });
}

export interface Pkcs11Desk extends AsyncDisposable {
  readonly bench: Bench;
  readonly card: WatchedPivCard;
  /** Of one program; closed with the desk. */
  program(...options: Parameters<typeof Program.open> extends [unknown, ...infer R] ? R : never): Promise<Program>;
}

export async function openPkcs11Desk(options: Parameters<typeof openBench>[0] = {}): Promise<Pkcs11Desk> {
  await using undo = new AsyncDisposableStack();
  const bench = undo.use(await openBench(options));
  const card = filledPivCard();
  await bench.insert(card);
  const resources = undo.move();
  return {
    bench,
    card,
    program: async (...rest) => resources.use(await Program.open(bench, ...rest)),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}
