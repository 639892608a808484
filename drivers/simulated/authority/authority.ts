/**
 * The certification authority of a simulated office: it issues from PKCS #10 requests what the card of a reserve-card desk waits for, revokes, and says so by CRL and
 * OCSP. It checks that a request is signed by its key, and nothing else: who asks gets. Its keys are public test keys: trust nothing that they sign.
 */
import { X509Certificate } from 'node:crypto';
import { issueNamedCertificate, type RevocationAddresses } from '../cards/eid/certificates.ts';
import type { Scenario } from '../scenario.ts';
import { formatName } from './asn1.ts';
import { createCrl } from './crl.ts';
import { AuthorityError } from './errors.ts';
import { chainOf, openIssuer, type Issuer } from './issuers.ts';
import { openLedger, type Issued, type Ledger, type Revocation } from './ledger.ts';
import { answerOcsp } from './ocsp.ts';
import { DAY_MS, type CertificateProfile } from './profiles.ts';
import type { RevocationReason } from './reasons.ts';
import { readRequest, type CardRequest } from './request.ts';
import { createResponder, type Responder } from './responder.ts';

export interface AuthorityOptions {
  /** Whose authorities issue, and what their policies stand for. */
  readonly scenario: Pick<Scenario, 'authorities' | 'assuranceLevels'>;
  /** Where it is served, as certificates say it: "http://127.0.0.1:8088". Asked at each issue. */
  readonly address: () => string;
  readonly now: () => Date;
  /** File that keeps what was issued and revoked. In memory alone unless given. */
  readonly stateFile?: string;
}

export interface IssueOptions {
  readonly profile: CertificateProfile;
  /** The profile's own number of days unless given. Not beyond the issuer's own end. */
  readonly notAfter?: Date;
}

/** What was issued, and its revocation where it is revoked. */
export type IssuedRecord = Issued & { readonly revocation?: Pick<Revocation, 'reason' | 'revokedAt'> };

export type Which = { readonly serialNumber: string } | { readonly certificate: Uint8Array };

/** A personal identity number, or one like it: twelve digits. Everything else is an HSA-id. */
const PERSONAL_NUMBER = /^\d{12}$/;

export async function openTestAuthority(options: AuthorityOptions): Promise<TestAuthority> {
  const issuers = await Promise.all(options.scenario.authorities.map(openIssuer));
  return new TestAuthority(issuers, await openLedger(options.stateFile), options);
}

export class TestAuthority implements AsyncDisposable {
  readonly issuers: readonly Issuer[];
  readonly #ledger: Ledger;
  readonly #options: AuthorityOptions;
  readonly #responders = new Map<Issuer, Promise<Responder>>();
  #lastCrlNumber = 0;

  constructor(issuers: readonly Issuer[], ledger: Ledger, options: AuthorityOptions) {
    this.issuers = issuers;
    this.#ledger = ledger;
    this.#options = options;
  }

  /** DER, the new certificate first, then its issuer, its root last. Throws AuthorityError. */
  async issue(request: Uint8Array, { profile, notAfter }: IssueOptions): Promise<readonly Uint8Array[]> {
    const asked = await readRequest(request);
    const issuer = this.#issuerFor(profile, asked.identifier);
    const now = this.#options.now();
    const notBefore = wholeSeconds(now);
    const last = Math.min(
      (notAfter ?? new Date(now.getTime() + profile.days * DAY_MS)).getTime(),
      issuer.certificate.validToDate.getTime(),
    );
    if (last <= now.getTime()) throw new AuthorityError('input_invalid', 'issuing: the certificate would have expired already');
    const validity = { notBefore, notAfter: wholeSeconds(new Date(last)) };
    const certificate = issueNamedCertificate({
      ...validity,
      subject: asked.subject,
      use: asked.use,
      publicKey: asked.publicKey,
      ...(asked.cardNumber === undefined ? {} : { cardNumber: asked.cardNumber }),
      policies: [this.#policyOf(profile)],
      authority: issuer,
      addresses: this.#addressesOf(issuer),
    });
    await this.#record(certificate, asked, { issuer, profile, ...validity });
    return [certificate, ...chainOf(issuer, this.issuers).map(({ der }) => der)];
  }

  /**
   * Says once and for all that a certificate of one of these authorities is not to be trusted: one that was issued here, or any other of theirs when it is given
   * itself. What is revoked stays as it is, with the reason and time of the first call; only a certificateHold becomes another reason, or is lifted by removeFromCRL.
   */
  async revoke(which: Which, reason: RevocationReason): Promise<Revocation> {
    const found = 'certificate' in which ? this.#ownCertificate(which.certificate) : this.#issuedUnder(which.serialNumber);
    const before = this.#ledger.revoked.get(found.serialNumber);
    if (before && before.reason !== 'certificateHold') return before;
    if (before?.reason === reason) return before;
    if (!before && reason === 'removeFromCRL')
      throw new AuthorityError('input_invalid', 'lifting a revocation: the certificate is not on hold');
    const revocation = { ...found, reason, revokedAt: this.#options.now().toISOString() };
    await this.#ledger.add({ type: 'revoked', ...revocation });
    return revocation;
  }

  /** In the order of issue. */
  issued(): readonly IssuedRecord[] {
    return [...this.#ledger.issued.values()].map((one) => {
      const { reason, revokedAt } = this.#ledger.revoked.get(one.serialNumber) ?? {};
      return reason === undefined || revokedAt === undefined ? one : { ...one, revocation: { reason, revokedAt } };
    });
  }

  findIssuer(slug: string): Issuer {
    const issuer = this.issuers.find((one) => one.slug === slug);
    if (!issuer) throw new AuthorityError('not_found', `looking for the authority ${slug}: there is none`);
    return issuer;
  }

  /** The issuers of a profile and what is above them, the root first; of all profiles unless one is given. */
  chainsOf(profile?: CertificateProfile): readonly Issuer[] {
    if (!profile) return this.issuers;
    const used = Object.values(profile.issuers).map((label) => this.#issuerCalled(label));
    const chains = new Set(used.flatMap((issuer) => chainOf(issuer, this.issuers)));
    return this.issuers.filter((issuer) => chains.has(issuer));
  }

  /** DER. */
  crl(issuer: Issuer): Promise<Uint8Array> {
    const now = this.#options.now();
    // Lists of different times have different numbers (RFC 5280, section 5.2.3), also after a restart.
    this.#lastCrlNumber = Math.max(this.#lastCrlNumber + 1, now.getTime());
    const revocations = [...this.#ledger.revoked.values()].filter(({ authority }) => authority === issuer.label);
    return createCrl(issuer, revocations, { now, number: this.#lastCrlNumber });
  }

  /** DER of OCSPResponse, for any bytes. */
  ocsp(question: Uint8Array): Promise<Uint8Array> {
    const known = {
      issuers: this.issuers,
      responderOf: (issuer: Issuer) => this.#responderOf(issuer),
      statusOf: (issuer: Issuer, serialNumber: string) => this.#statusOf(issuer, serialNumber),
    };
    return answerOcsp(question, known, this.#options.now());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#ledger[Symbol.asyncDispose]();
  }

  #issuerFor(profile: CertificateProfile, identifier: string): Issuer {
    return this.#issuerCalled(PERSONAL_NUMBER.test(identifier) ? profile.issuers.personalNumber : profile.issuers.hsaId);
  }

  #issuerCalled(label: string): Issuer {
    const issuer = this.issuers.find((one) => one.label === label);
    if (!issuer) throw new AuthorityError('profile_unknown', `looking for the issuer: the scenario has no authority ${label}`);
    return issuer;
  }

  #policyOf({ assuranceLevel }: CertificateProfile): string {
    const policy = this.#options.scenario.assuranceLevels.find(({ level }) => level === assuranceLevel)?.policy;
    if (policy === undefined)
      throw new AuthorityError('profile_unknown', `looking for the policy: the scenario has none for ${assuranceLevel}`);
    return policy;
  }

  #addressesOf({ slug }: Issuer): RevocationAddresses {
    const address = this.#options.address();
    return { crl: `${address}/crl/${slug}.crl`, ocsp: `${address}/ocsp`, issuer: `${address}/ca/${slug}.cer` };
  }

  async #record(
    certificate: Uint8Array,
    { subject, use, cardNumber, fingerprint }: CardRequest,
    how: { readonly issuer: Issuer; readonly profile: CertificateProfile; readonly notBefore: Date; readonly notAfter: Date },
  ): Promise<void> {
    await this.#ledger.add({
      type: 'issued',
      serialNumber: normalSerial(new X509Certificate(certificate).serialNumber),
      authority: how.issuer.label,
      profile: how.profile.name,
      subject: formatName(subject),
      use,
      ...(cardNumber === undefined ? {} : { cardNumber }),
      notBefore: how.notBefore.toISOString(),
      notAfter: how.notAfter.toISOString(),
      issuedAt: this.#options.now().toISOString(),
      requestFingerprint: fingerprint,
      certificate: Buffer.from(certificate).toString('base64'),
    });
  }

  #issuedUnder(text: string): Pick<Revocation, 'serialNumber' | 'authority'> {
    const serialNumber = normalSerial(text);
    const known = this.#ledger.issued.get(serialNumber) ?? this.#ledger.revoked.get(serialNumber);
    if (!known)
      throw new AuthorityError('certificate_unknown', `revoking: nothing was issued under serial number ${serialNumber}`);
    return { serialNumber, authority: known.authority };
  }

  #ownCertificate(der: Uint8Array): Pick<Revocation, 'serialNumber' | 'authority'> {
    const certificate = readX509(der);
    const issuer = this.issuers.find(
      (one) => certificate.checkIssued(one.certificate) && certificate.verify(one.certificate.publicKey),
    );
    if (!issuer) throw new AuthorityError('certificate_unknown', 'revoking: the certificate is by none of these authorities');
    return { serialNumber: normalSerial(certificate.serialNumber), authority: issuer.label };
  }

  #statusOf({ label }: Issuer, serialNumber: string): 'good' | Revocation | undefined {
    const revocation = this.#ledger.revoked.get(serialNumber);
    if (revocation?.authority === label) return revocation;
    return this.#ledger.issued.get(serialNumber)?.authority === label ? 'good' : undefined;
  }

  async #responderOf(issuer: Issuer): Promise<Responder> {
    const now = this.#options.now();
    const known = await this.#responders.get(issuer);
    if (known && known.renewAt > now.getTime()) return known;
    const made = createResponder(issuer, now);
    this.#responders.set(issuer, made);
    return await made;
  }
}

/** As the ledger has it: lower case, without zeros before it. Throws AuthorityError for text that is no serial number. */
export function normalSerial(text: string): string {
  const digits = text
    .replaceAll(':', '')
    .toLowerCase()
    .replace(/^0+(?=.)/, '');
  if (/^[0-9a-f]{1,40}$/.test(digits)) return digits;
  throw new AuthorityError('input_invalid', 'reading a serial number: it is not 1 to 40 hexadecimal digits');
}

function readX509(der: Uint8Array): X509Certificate {
  try {
    return new X509Certificate(der);
  } catch (error) {
    throw new AuthorityError('input_invalid', 'reading a certificate: it is none', { cause: error });
  }
}

function wholeSeconds(date: Date): Date {
  return new Date(Math.floor(date.getTime() / 1000) * 1000);
}
