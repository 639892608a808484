/** PIV and eID cards as the suite of tokens wants them: what each holds, and how its token is opened over any source of readers. */
import { openChannel } from '../../apdu/card-channel.ts';
import type { CardProfile } from '../../apdu/card-profile.ts';
import { eidProfile } from '../../apdu/cards/eid.ts';
import { pivProfile } from '../../apdu/cards/piv.ts';
import { Secret } from '../../apdu/secret.ts';
import { openApplication } from '../../apdu/select.ts';
import type { Token } from '../../apdu/token.ts';
import type { SimulatedCard } from '../../drivers/simulated/card.ts';
import { createEidCard } from '../../drivers/simulated/cards/eid.ts';
import { createPivCard } from '../../drivers/simulated/cards/piv.ts';
import type { ReaderSource } from '../../drivers/reader-source.ts';
import { CardDesk, READER_NAME, secret } from './card-desk.ts';
import { certify, describePrivateKey, makeEllipticKey, rsa2048Key } from './test-keys.ts';
import type { KeyFacts, PinFacts, TokenBench, TokenFacts } from './token-suite.ts';

export interface CardUnderTest {
  readonly name: string;
  readonly facts: TokenFacts;
  readonly profile: CardProfile;
  readonly make: () => SimulatedCard;
}

const PIV_PIN: PinFacts = {
  ...{ reference: '80', value: '123456', wrong: '654321', malformed: '123', attempts: 3 },
  puk: { reference: '81', value: '12345678', wrong: '87654321', attempts: 3 },
};
const ELLIPTIC = makeEllipticKey('P-256');

async function authorizePiv({ management }: Token): Promise<void> {
  using key = management?.managementKey?.factoryKey() ?? Secret.fromText('none');
  await management?.managementKey?.authenticate(key);
}

/** A YubiKey tells of its keys and deletes them; a card of the standard alone does neither. */
function pivCard(profile: 'yubikey' | 'plain'): CardUnderTest {
  const keys: readonly KeyFacts[] = [
    { keyReference: '9A', algorithm: 'P-256', isCertified: true },
    { keyReference: '9C', algorithm: 'RSA-2048', isCertified: true, wantsPinEachTime: true },
    { keyReference: '9D', algorithm: 'P-256', isCertified: false },
  ];
  const described = {
    '9A': describePrivateKey(ELLIPTIC, certify(ELLIPTIC)),
    '9C': describePrivateKey(rsa2048Key(), certify(rsa2048Key())),
    '9D': describePrivateKey(makeEllipticKey('P-256')),
  };
  const isYubikey = profile === 'yubikey';
  return {
    name: isYubikey ? 'of a YubiKey' : 'of a plain PIV card',
    profile: pivProfile,
    make: () => createPivCard({ profile, firmware: '5.7.1', keys: described }),
    facts: {
      keys,
      pins: [PIV_PIN],
      ...{ unknownKey: '9F', unknownPin: '77', tellsKeys: isYubikey },
      lacks: { 'sign several at once': 'absent', 'add certificate': 'absent', ...(isYubikey ? {} : { 'delete key': 'absent' }) },
      managed: { keyReference: '9A', algorithm: 'P-256' },
      authorize: authorizePiv,
    },
  };
}

const EID_PUK = { value: '12345678', wrong: '87654321', attempts: 10 };

function eidPin(reference: string, puk: string, value: string, wrong: string): PinFacts {
  return { ...{ reference, value, wrong, malformed: '123', attempts: 3 }, puk: { reference: puk, ...EID_PUK } };
}

function eidCard(
  persona: string,
  [pin1, pin2, puk]: readonly [string, string, string],
  algorithms: readonly KeyFacts['algorithm'][],
): CardUnderTest {
  const [algorithm = 'RSA-2048', second = algorithm] = algorithms;
  const pins = { legitimering: '123456', underskrift: '654321', puk: EID_PUK.value };
  return {
    name: `of the eID card of ${persona}`,
    profile: eidProfile,
    make: () => createEidCard({ persona, pins }),
    facts: {
      keys: [
        { keyReference: '45', algorithm, isCertified: true },
        { keyReference: '46', algorithm: second, isCertified: true, wantsPinEachTime: true },
      ],
      pins: [eidPin(pin1, puk, pins.legitimering, '111111'), eidPin(pin2, puk, pins.underskrift, '222222')],
      ...{
        unknownKey: '9A',
        unknownPin: '77',
        tellsKeys: true,
        lacks: { 'sign several at once': 'absent', 'delete key': 'absent' },
      },
      managed: { keyReference: '45', algorithm },
      authorize: (token) => token.verifyPin(pin1, secret(pins.legitimering)),
    },
  };
}

const GLOBAL_PINS = ['01', '02', '03'] as const;
const LOCAL_PINS = ['81', '82', '83'] as const;

export const CARDS_UNDER_TEST: readonly CardUnderTest[] = [
  pivCard('yubikey'),
  pivCard('plain'),
  eidCard('anna', GLOBAL_PINS, ['RSA-2048']),
  eidCard('bjorn', GLOBAL_PINS, ['P-256', 'P-384']),
  eidCard('cecilia', LOCAL_PINS, ['RSA-2048']),
  eidCard('david', LOCAL_PINS, ['P-256']),
];

const CONNECT_TIMEOUT_MS = 10_000;

/** One session is one transaction; closing it resets the card when a PIN was used. */
export async function useToken<R>(
  source: ReaderSource,
  reader: string,
  profile: CardProfile,
  work: (token: Token) => Promise<R>,
): Promise<R> {
  await using connection = await source.connect(reader, { signal: AbortSignal.timeout(CONNECT_TIMEOUT_MS) });
  const { token } = await openApplication(openChannel(connection), profile);
  if (!token) throw new TypeError(`opening ${profile.id}: it has a token`);
  return await work(token);
}

/** In a simulated reader. */
export function openInMemory({ profile, make }: CardUnderTest): Promise<TokenBench> {
  const desk = new CardDesk(make());
  return Promise.resolve({
    use: (work) => useToken(desk.source, READER_NAME, profile, work),
    commands: () => desk.commands.length,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
}
