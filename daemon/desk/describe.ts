/** Readers, cards and what is on them, in the shapes of the API. */
import { CHAIN_PROBLEMS, IDENTITY_PROBLEMS, type CertificateChain, type Identity } from '../../api-spec/identity.ts';
import type { Card, Certificate, Key, Pin, Reader, Role } from '../../api-spec/schemas.ts';
import { formatHex } from '../../apdu/bytes.ts';
import { SIGNATURE_SCHEMES, fitsKey } from '../../apdu/signature-encoding.ts';
import type { PinStatus, SignatureAlgorithm, TokenKey } from '../../apdu/token.ts';
import type { RolePolicy } from '../access/role-policy.ts';
import type { CardIdentity, JudgedCertificate } from '../identity/identity.ts';
import type { ChainReport } from '../identity/trust.ts';
import type { CardRecord, ReaderRecord } from './records.ts';
import type { RoleReader } from './reader-selector.ts';

export function describeReader(reader: ReaderRecord): Reader {
  return {
    id: reader.id,
    name: reader.name,
    source: reader.source.id,
    status: reader.status,
    ...(reader.card ? { card: reader.card.id } : {}),
    ...(reader.hasKeypad === undefined ? {} : { hasKeypad: reader.hasKeypad }),
    ...(reader.role === undefined ? {} : { role: reader.role }),
    ...(reader.serialNumber === undefined ? {} : { serialNumber: reader.serialNumber }),
    ...(reader.usbPath === undefined ? {} : { usbPath: reader.usbPath }),
  };
}

/** `found`: absent while no reader is bound to the role. */
export function describeRole(role: string, found: RoleReader<ReaderRecord> | undefined, rule: RolePolicy): Role {
  const { binding, status = 'unassigned', readers = [] } = found ?? {};
  const [reader] = readers;
  return {
    role,
    ...(binding ? { source: binding.source, selector: binding.selector } : {}),
    status,
    ...(status === 'ready' && reader ? { reader: reader.id } : {}),
    restrictsCards: rule.cards !== undefined,
    notSamePersonAs: [...(rule.notSamePersonAs ?? [])],
  };
}

export function describeCard(card: CardRecord): Card {
  const { kind, serialNumber, lease } = card;
  return {
    id: card.id,
    reader: card.reader.id,
    ...(card.reader.role === undefined ? {} : { role: card.reader.role }),
    atr: formatHex(card.atr),
    insertedAt: card.insertedAt.toISOString(),
    status: card.status,
    ...(kind
      ? {
          application: {
            id: kind.id,
            specification: kind.specification,
            ...(serialNumber === undefined ? {} : { serialNumber }),
          },
        }
      : {}),
    ...(card.problem ? { problem: card.problem } : {}),
    ...(lease
      ? {
          lease: {
            holder: lease.holder,
            ...(lease.purpose === undefined ? {} : { purpose: lease.purpose }),
            expiresAt: lease.expiresAt.toISOString(),
          },
        }
      : {}),
  };
}

export function describePin(status: PinStatus): Pin {
  const { reference, kind, label, minLength, maxLength, attemptsRemaining, attemptsTotal, isDefault } = status;
  return {
    reference,
    kind,
    label,
    minLength,
    maxLength,
    ...(attemptsRemaining === undefined ? {} : { attemptsRemaining }),
    ...(attemptsTotal === undefined ? {} : { attemptsTotal }),
    ...(isDefault === undefined ? {} : { isDefault }),
  };
}

export function describeKey(key: TokenKey): Key {
  const { publicKey, algorithm, signatureAlgorithms, abilities: _, ...rest } = key;
  if (!algorithm) return rest;
  const names = signatureAlgorithms ?? (Object.keys(SIGNATURE_SCHEMES) as SignatureAlgorithm[]);
  return {
    ...rest,
    algorithm,
    ...(publicKey ? { publicKey: Buffer.from(publicKey).toString('base64') } : {}),
    signatureAlgorithms: names.filter((name) => fitsKey(name, algorithm)),
  };
}

/** `parsed` is absent for bytes that are no certificate: what the card holds is given out all the same. */
export function describeCertificate(
  { keyReference, der, isAuthority, facts, report, assuranceLevels }: JudgedCertificate,
  now: Date,
): Certificate {
  const held = { keyReference, ...(isAuthority ? { isAuthority } : {}), certificate: Buffer.from(der).toString('base64') };
  if (!facts || !report) return held;
  const [assuranceLevel, another] = assuranceLevels;
  return {
    ...held,
    parsed: {
      subject: facts.subjectText,
      issuer: facts.issuerText,
      serialNumber: facts.x509.serialNumber,
      notBefore: facts.notBefore.toISOString(),
      notAfter: facts.notAfter.toISOString(),
      fingerprint: facts.fingerprint,
      purpose: facts.purpose,
      validity: now < facts.notBefore ? 'not_yet_valid' : now > facts.notAfter ? 'expired' : 'valid',
      policies: [...(facts.policies ?? [])],
      ...(assuranceLevel === undefined || another !== undefined ? {} : { assuranceLevel }),
      ...(facts.cardNumber === undefined ? {} : { cardNumber: facts.cardNumber }),
      chain: describeChain(report),
    },
  };
}

function describeChain({ status, chain, problem }: ChainReport): CertificateChain {
  const subjects = chain.map(({ subjectText }) => subjectText);
  return { status, subjects, ...(problem ? { problem: { code: problem, ...CHAIN_PROBLEMS[problem] } } : {}) };
}

export function describeIdentity({ policies, problems, ...fields }: CardIdentity): Identity {
  return {
    ...fields,
    policies: [...policies],
    problems: problems.map((problem) => ({ ...problem, ...IDENTITY_PROBLEMS[problem.code] })),
  };
}
