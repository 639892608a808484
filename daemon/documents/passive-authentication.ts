/**
 * Passive authentication (ICAO Doc 9303-11, section 5.1; BSI TR-03135-1, section 4.6.4): whether what was read is what the issuing state signed. Each question has its
 * own answer, and one that could not be asked says so.
 */
import { equalBytes } from '../../apdu/bytes.ts';
import type { DataGroup, DocumentFileName } from '../../apdu/icao9303/document-files.ts';
import type { CertificateFacts } from '../identity/certificate-facts.ts';
import { worstVerdict, type Check, type Verdict } from './check.ts';
import { countryOf } from './country.ts';
import { twoLettersOf } from './states.ts';
import type { CountrySigners } from './country-signers.ts';
import type { DocumentReading } from './document-reading.ts';
import { electronic, type ElectronicReason } from './electronic-reasons.ts';
import { digestOf, type SecurityObject } from './security-object.ts';
import { judgeSigner, readSignedFile, type Judgement } from './signed-file.ts';

export interface PassiveQuestion {
  readonly signers: CountrySigners;
  /** Of DG1, without fillers; undefined when it was not read. */
  readonly issuer: string | undefined;
  /** Of DG12, YYYY-MM-DD: when there is nothing better. */
  readonly issueDate: string | undefined;
  readonly now: Date;
}

export interface PassiveAuthentication {
  /** In the order in which they are asked: signature, chain, validity, revocation, country, list, hashes. */
  readonly checks: readonly Check[];
  readonly verdict: Verdict;
  readonly signer: CertificateFacts | undefined;
  /** Data groups whose hash was signed by somebody who is trusted. */
  readonly proven: ReadonlySet<DocumentFileName>;
  /** EF.CardSecurity was signed by somebody who is trusted. */
  readonly isMappingKeySigned: boolean;
}

const ID = 'electronic.passive';

export function authenticatePassively(reading: DocumentReading, question: PassiveQuestion): PassiveAuthentication {
  const { security } = reading;
  const signed = security?.object && security.signed;
  const hashes = hashChecks(reading, security?.object);
  const isHashed = (group: DataGroup): boolean => hashes.some(({ id, verdict }) => id === hashId(group) && verdict === 'passed');
  const signedAt = signed?.signingTime ?? (isHashed('DG12') ? dayOf(question.issueDate) : undefined);
  const signer = judgeSigner(signed?.signer, { signers: question.signers, signedAt, now: question.now });
  const origin = [
    check('signature', signed ? signed.signature : { reason: noObject(reading) }),
    check('chain', signer.chain),
    check('validity', signer.validity),
    check('revocation', signer.revocation),
    check('country', judgeCountry(signed?.signer, question.issuer)),
  ];
  const checks = [...origin, check('list', { reason: judgeList(reading) }), ...hashes];
  const isTrusted = origin.slice(0, 3).every(({ verdict }) => verdict === 'passed') && origin[3]?.verdict !== 'failed';
  const groups = [...reading.files.keys()].filter((name): name is DataGroup => name.startsWith('DG'));
  return {
    checks,
    verdict: worstVerdict(checks.filter(isAsked).map(({ verdict }) => verdict)),
    signer: signed?.signer,
    proven: new Set(isTrusted ? groups.filter(isHashed) : []),
    isMappingKeySigned: isMappingKeySigned(reading, question),
  };
}

function check(name: string, { reason, details }: Judgement): Check {
  return electronic(`${ID}.${name}`, reason, details);
}

/** Data groups that nobody asked for say nothing against those that were. */
function isAsked({ reason }: Check): boolean {
  return reason !== 'file_not_read';
}

function noObject({ outcomes, files }: DocumentReading): ElectronicReason {
  if (files.has('EF.SOD')) return 'security_object_invalid';
  const outcome = outcomes.get('EF.SOD');
  return outcome === 'lost'
    ? 'security_object_unread'
    : outcome === 'invalid'
      ? 'security_object_invalid'
      : 'security_object_absent';
}

/** BSI TR-03135-1, section 4.6.4.5: a code that is not known leaves it open. */
function judgeCountry(signer: CertificateFacts | undefined, issuer: string | undefined): Judgement {
  if (!signer || issuer === undefined) return { reason: 'country_untold' };
  const [state, country] = [twoLettersOf(issuer), countryOf(signer)];
  if (state === undefined || country === '') return { reason: 'country_unknown' };
  return { reason: state === country ? 'country_matches' : 'country_differs' };
}

/** EF.COM is not signed: a list that was changed hides what there is, or promises what there is not. */
function judgeList({ common, security }: DocumentReading): ElectronicReason {
  if (!common) return 'list_untold';
  if (!security?.object) return 'list_untold';
  const { hashes, ldsVersion } = security.object;
  const listed = new Set(common.groups);
  const isSame = listed.size === hashes.size && [...hashes.keys()].every((group) => listed.has(group));
  return isSame && (ldsVersion === undefined || ldsVersion === common.ldsVersion) ? 'list_matches' : 'list_differs';
}

function hashId(group: DocumentFileName): string {
  return `${ID}.hash.${group.toLowerCase()}`;
}

/** Of every data group that was read, or whose hash was signed. */
function hashChecks({ files }: DocumentReading, object: SecurityObject | undefined): readonly Check[] {
  const read = [...files.keys()].filter((name): name is DataGroup => name.startsWith('DG'));
  const groups = [...new Set<DataGroup>([...read, ...(object?.hashes.keys() ?? [])])];
  const numberOf = (group: DataGroup): number => Number(group.slice(2));
  return groups
    .toSorted((one, other) => numberOf(one) - numberOf(other))
    .map((group) => {
      const { reason, details } = judgeHash(files.get(group), object, group);
      return electronic(hashId(group), reason, { file: group, ...details });
    });
}

function judgeHash(file: Uint8Array | undefined, object: SecurityObject | undefined, group: DataGroup): Judgement {
  if (!file) return { reason: 'file_not_read' };
  const signed = object?.hashes.get(group);
  if (!object || !signed) return { reason: 'hash_missing' };
  if (!object.hash) return { reason: 'algorithm_not_accepted', details: { algorithm: object.hashOid } };
  if (!equalBytes(digestOf(file, object.hash), signed)) return { reason: 'hash_differs' };
  return { reason: object.hash.isWeak ? 'hash_algorithm_weak' : 'hash_matches' };
}

function dayOf(date: string | undefined): Date | undefined {
  const day = date === undefined ? undefined : new Date(`${date}T12:00:00Z`);
  return day && !Number.isNaN(day.getTime()) ? day : undefined;
}

/** BSI TR-03110-3, section A.1.2.5: id-SecurityObject. */
const OID_SECURITY_OBJECT = '0.4.0.127.0.7.3.2.1';

function isMappingKeySigned({ mapping }: DocumentReading, { signers, now }: PassiveQuestion): boolean {
  const file = mapping?.cardSecurity && readSignedFile(mapping.cardSecurity, OID_SECURITY_OBJECT);
  if (file?.signature.reason !== 'signature_good') return false;
  const { chain, validity, revocation } = judgeSigner(file.signer, { signers, signedAt: file.signingTime, now });
  const isTold = [chain, validity].every((one) => ['chain_trusted', 'signer_valid'].includes(one.reason));
  return isTold && revocation.reason !== 'signer_revoked';
}
