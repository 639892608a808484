/** Readers, cards and what is on them, in the shapes of the API. */
import { X509Certificate } from 'node:crypto';
import type { Card, Certificate, Key, Pin, Reader } from '../../api-spec/schemas.ts';
import { formatHex } from '../../apdu/bytes.ts';
import { SIGNATURE_SCHEMES, fitsKey } from '../../apdu/signature-encoding.ts';
import type { PinStatus, SignatureAlgorithm, TokenCertificate, TokenKey } from '../../apdu/token.ts';
import type { CardRecord, ReaderRecord } from './records.ts';

export function describeReader(reader: ReaderRecord): Reader {
  return {
    id: reader.id,
    name: reader.name,
    source: reader.source.id,
    status: reader.status,
    ...(reader.card ? { card: reader.card.id } : {}),
    ...(reader.hasKeypad === undefined ? {} : { hasKeypad: reader.hasKeypad }),
  };
}

export function describeCard(card: CardRecord): Card {
  const { profile, serialNumber, lease } = card;
  return {
    id: card.id,
    reader: card.reader.id,
    atr: formatHex(card.atr),
    insertedAt: card.insertedAt.toISOString(),
    status: card.status,
    ...(profile
      ? {
          application: {
            id: profile.id,
            specification: profile.specification,
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
  const { publicKey, algorithm, signatureAlgorithms, ...rest } = key;
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
export function describeCertificate({ keyReference, isAuthority, der }: TokenCertificate): Certificate {
  const held = {
    keyReference,
    ...(isAuthority ? { isAuthority } : {}),
    certificate: Buffer.from(der).toString('base64'),
  };
  let x509: X509Certificate;
  try {
    x509 = new X509Certificate(der);
  } catch {
    return held;
  }
  return {
    ...held,
    parsed: {
      subject: oneLine(x509.subject),
      issuer: oneLine(x509.issuer),
      serialNumber: x509.serialNumber,
      notBefore: x509.validFromDate.toISOString(),
      notAfter: x509.validToDate.toISOString(),
      fingerprint: x509.fingerprint256.replaceAll(':', ''),
    },
  };
}

/** Node prints one attribute a line, most general first; RFC 4514 wants the most special first. */
function oneLine(name: string): string {
  return name.split('\n').reverse().join(',');
}
