/** What a card holds when all is over, read from its own file, and whether that may be. The daemon is not asked: it is what is judged. */
import { X509Certificate, createHash, createPublicKey, randomBytes, verify } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AsnConvert } from '@peculiar/asn1-schema';
import { CertificationRequest } from '@peculiar/asn1-csr';
import type { Ceremony } from '../../../api-spec/issuance.ts';
import { openChannel } from '../../../apdu/card-channel.ts';
import { Secret } from '../../../apdu/secret.ts';
import { openApplication } from '../../../apdu/select.ts';
import type { Token } from '../../../apdu/token.ts';
import { ISSUANCE_JOURNAL_FILE } from '../../../daemon/issuance/open-issuance.ts';
import { foldCeremony } from '../../../daemon/issuance/ceremony.ts';
import { Journal } from '../../../daemon/issuance/journal.ts';
import { standardRoutines } from '../../../daemon/issuance/routines.ts';
import { preferredAlgorithm } from '../../../daemon/signing/certificate-request.ts';
import { verifyOptions } from '../../../daemon/signing/verify-options.ts';
import { SimulatedReader } from '../../../drivers/simulated/reader.ts';
import { createSimulatedSource } from '../../../drivers/simulated/source.ts';
import { keyAlgorithmOf } from '../../../apdu/public-key.ts';
import { describeHits, searchBytes, searchFolder } from '../../evidence/search.ts';
import type { IssuedThere } from './authority.ts';
import { PINS, type CardKind } from './cards.ts';
import { cardFileOf, dataFolderOf, logOf } from './desk.ts';
import type { Scenario } from './scenarios.ts';

/** As the card tells of itself, to be compared as text. */
export interface CardFacts {
  /** Public halves by key reference, where the card tells them. */
  readonly keys: Readonly<Record<string, string>>;
  readonly certificates: readonly string[];
  /** Tries left, by PIN. */
  readonly tries: Readonly<Record<string, number>>;
}

export interface Outcome {
  readonly folder: string;
  readonly scenario: Scenario;
  readonly before: CardFacts;
  readonly view: Ceremony;
  /** By the authority that was asked. */
  readonly issued: readonly IssuedThere[];
}

export async function readCardFile(folder: string, kind: CardKind): Promise<CardFacts> {
  return await withToken(folder, kind, factsOf);
}

/** What is wrong; empty when all is as it may be. */
export async function judge({ folder, scenario, before, view, issued }: Outcome): Promise<readonly string[]> {
  const kind = scenario.card;
  const after = await readCardFile(folder, kind);
  const problems = [
    ...(JSON.stringify(after.tries) === JSON.stringify(before.tries) ? [] : ['a PIN lost tries']),
    ...(view.state === 'finished'
      ? await judgeFinished(folder, scenario, view, after)
      : judgeBefore(scenario, before, after, view)),
    ...judgeJournal(folder, view),
    ...judgeIssued(issued, { folder, scenario, view }),
    ...findPins(folder),
  ];
  return view.state === 'open' ? ['the ceremony is still open', ...problems] : problems;
}

/** The other card is as it was made: no PIN was tried on it, nothing written. */
export function isUntouched(folder: string, other: string): boolean {
  return readFileSync(cardFileOf(folder, 'other'), 'utf8') === other;
}

async function judgeFinished(folder: string, scenario: Scenario, view: Ceremony, after: CardFacts): Promise<readonly string[]> {
  const problems: string[] = [];
  const accepted = new Map(
    view.steps.flatMap(({ job }) => (job?.keys ?? []).map(({ keyReference, certificate = '' }) => [keyReference, certificate])),
  );
  for (const { keyReference } of scenario.card.places) {
    const standing = after.certificates.filter((text) => text.startsWith(`${keyReference} `)).map((text) => text.slice(3));
    const [certificate] = standing;
    if (certificate === undefined || standing.length !== 1 || certificate !== accepted.get(keyReference))
      problems.push(`${keyReference}: ${standing.length} certificates, not the accepted one alone`);
    else if (!(await isUsable(folder, scenario.card, keyReference, certificate)))
      problems.push(`${keyReference}: its signature does not verify with its certificate`);
    const told = after.keys[keyReference];
    if (told !== undefined && certificate !== undefined && told !== publicKeyOf(certificate))
      problems.push(`${keyReference}: the card tells of another key than the certificate`);
  }
  const places = new Set(scenario.card.places.map(({ keyReference }) => keyReference));
  const isRenewal = scenario.routine === 'renewal';
  const rest = after.certificates.filter((text) => !places.has(text.slice(0, 2)));
  if (isRenewal && rest.length > 0) problems.push('a certificate that was replaced is still there');
  if (isRenewal && scenario.card.forgetsKeys && after.keys['9D'] !== undefined)
    problems.push('a key that was replaced is still there');
  return problems;
}

function judgeBefore({ card: kind }: Scenario, before: CardFacts, after: CardFacts, view: Ceremony): readonly string[] {
  const problems: string[] = [];
  if (JSON.stringify(after.certificates) !== JSON.stringify(before.certificates))
    problems.push('certificates are not those of before');
  if (kind.forgetsKeys && JSON.stringify(after.keys) !== JSON.stringify(before.keys))
    problems.push('keys are not those of before');
  // Where a key cannot be deleted, there is another one: none for which a certificate may have been issued.
  for (const { keyReference, request } of view.steps.flatMap(({ job }) => job?.keys ?? []))
    if (request !== undefined && after.keys[keyReference] === publicKeyOfRequest(request))
      problems.push(`${keyReference}: the key that was requested for is still there`);
  return problems;
}

function judgeJournal(folder: string, view: Ceremony): readonly string[] {
  const file = join(dataFolderOf(folder), ISSUANCE_JOURNAL_FILE);
  using journal = new Journal(file);
  const routine = standardRoutines().get(view.routine.id);
  if (!routine) return [`there is no routine ${view.routine.id}`];
  const ceremony = foldCeremony(view.ceremony, journal.entriesOf(view.ceremony), routine);
  const summary = journal.summaryOf(view.ceremony);
  return ceremony.state === view.state && summary?.state === view.state ? [] : ['the journal says otherwise than the view'];
}

/**
 * What stood in the journal was asked for no second time; what is on the card, the authority knows to be taken; what is not, is to be revoked; and what never came here
 * is told to be looked for. This authority takes every confirmation: nothing of it is refused.
 */
function judgeIssued(
  issued: readonly IssuedThere[],
  { folder, scenario, view }: Pick<Outcome, 'folder' | 'scenario' | 'view'>,
): readonly string[] {
  using journal = new Journal(join(dataFolderOf(folder), ISSUANCE_JOURNAL_FILE));
  const entries = journal.entriesOf(view.ceremony).flatMap(({ entry }) => (entry.type === 'step.card' ? [entry.entry] : []));
  const kept = new Set(entries.flatMap((entry) => (entry.type === 'certificate.issued' ? [entry.der] : [])));
  const problems = entries.filter(({ type }) => type === 'certificates.refused').map(() => 'a certificate was refused');
  issued.forEach(({ request, certificate }, index) => {
    const isAskedAgain = issued.slice(index + 1).some((later) => later.request === request);
    if (isAskedAgain && kept.has(certificate)) problems.push('a certificate that stood in the journal was asked for again');
  });
  if (view.state === 'cancelled' && kept.size > 0 && !view.reports.includes('revocation'))
    problems.push('what was issued is not reported for revocation');
  const isLost = issued.some(({ certificate }) => !kept.has(certificate));
  if (isLost && !view.reports.includes('certificateUnaccounted')) problems.push('a certificate was issued that nothing tells of');
  if (view.state !== 'finished' || !scenario.authority) return problems;
  for (const { certificate, keyReference } of view.steps.flatMap(({ job }) => job?.keys ?? [])) {
    const known = issued.find((one) => one.certificate === certificate);
    if (!known || (scenario.authority === 'cmp' && !known.isConfirmed))
      problems.push(`${keyReference}: the authority does not know that its certificate is taken`);
  }
  return problems;
}

function findPins(folder: string): readonly string[] {
  const values = Object.values(PINS);
  const hits = [
    ...searchFolder(dataFolderOf(folder), values).hits,
    ...(existsSync(logOf(folder)) ? searchBytes('log', readFileSync(logOf(folder)), values) : []),
  ];
  return hits.length === 0 ? [] : [describeHits(hits)];
}

async function isUsable(folder: string, kind: CardKind, keyReference: string, certificate: string): Promise<boolean> {
  const { publicKey } = new X509Certificate(Buffer.from(certificate, 'base64'));
  const algorithm = keyAlgorithmOf(publicKey);
  const place = kind.places.find((one) => one.keyReference === keyReference);
  if (!algorithm || !place) return false;
  const { reference, pin } = kind.pins[place.usage === 'signature' ? 'signature' : 'authentication'];
  return await withToken(folder, kind, async (token) => {
    using secret = Secret.fromText(pin);
    await token.verifyPin(reference, secret);
    const message = randomBytes(32);
    const signatureAlgorithm = preferredAlgorithm(algorithm);
    const { hash, ...options } = verifyOptions(signatureAlgorithm, publicKey);
    const digest = createHash(hash).update(message).digest();
    return verify(hash, message, options, await token.sign({ keyReference, algorithm }, signatureAlgorithm, digest));
  });
}

async function withToken<R>(folder: string, kind: CardKind, work: (token: Token) => Promise<R>): Promise<R> {
  const reader = new SimulatedReader({ name: 'Verdict 00 00' });
  reader.insert(await kind.open(cardFileOf(folder, 'reserve'), 'reserve'));
  await using connection = await createSimulatedSource([reader]).connect(reader.name, { signal: AbortSignal.timeout(5_000) });
  const { token } = await openApplication(openChannel(connection), kind.profile());
  if (!token) throw new Error('the card has no keys');
  return await work(token);
}

async function factsOf(token: Token): Promise<CardFacts> {
  const { keys, certificates } = await token.contents();
  const told: [string, string][] = [];
  for (const { keyReference } of keys) {
    const publicKey = (await token.key(keyReference))?.publicKey;
    if (publicKey) told.push([keyReference, Buffer.from(publicKey).toString('base64')]);
  }
  const pins = await token.pins();
  return {
    keys: Object.fromEntries(told),
    certificates: certificates.map(({ keyReference, der }) => `${keyReference} ${Buffer.from(der).toString('base64')}`),
    tries: Object.fromEntries(pins.map(({ reference, attemptsRemaining = -1 }) => [reference, attemptsRemaining])),
  };
}

/** As base64 of its SubjectPublicKeyInfo, which stands in a request as in a certificate. */
function publicKeyOfRequest(pem: string): string {
  const der = new Uint8Array(Buffer.from(pem.replaceAll(/-----[A-Z ]+-----/g, ''), 'base64'));
  const { subjectPKInfo } = AsnConvert.parse(der, CertificationRequest).certificationRequestInfo;
  return Buffer.from(AsnConvert.serialize(subjectPKInfo)).toString('base64');
}

function publicKeyOf(certificate: string): string {
  const { publicKey } = new X509Certificate(Buffer.from(certificate, 'base64'));
  return createPublicKey(publicKey.export({ type: 'spki', format: 'pem' }))
    .export({ type: 'spki', format: 'der' })
    .toString('base64');
}
