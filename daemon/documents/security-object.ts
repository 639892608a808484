/** The LDS security object of EF.SOD (ICAO Doc 9303-10, section 4.6.2.3): the hash of every data group, as the issuer signed it. By asn1js, bounded: it comes from a chip. */
import { createHash } from 'node:crypto';
import { Integer, PrintableString } from 'asn1js';
import { dataGroupOf, type DataGroup } from '../../apdu/icao9303/document-files.ts';
import { DerError, childrenOf, octetsOf, oidOf, readDer } from '../signing/cms/asn1.ts';

/** 9303-10, section 4.6.2.3: id-icao-mrtd-security-ldsSecurityObject. */
export const OID_LDS_SECURITY_OBJECT = '2.23.136.1.1.1';

/** RFC 5754, section 2, and RFC 3370, section 2.1. Of SHA-1 collisions are made, though not what goes with a given hash. */
const HASHES: ReadonlyMap<string, { readonly name: string; readonly isWeak: boolean }> = new Map([
  ['1.3.14.3.2.26', { name: 'sha1', isWeak: true }],
  ['2.16.840.1.101.3.4.2.4', { name: 'sha224', isWeak: false }],
  ['2.16.840.1.101.3.4.2.1', { name: 'sha256', isWeak: false }],
  ['2.16.840.1.101.3.4.2.2', { name: 'sha384', isWeak: false }],
  ['2.16.840.1.101.3.4.2.3', { name: 'sha512', isWeak: false }],
]);

export interface SecurityObject {
  /** By data group. */
  readonly hashes: ReadonlyMap<DataGroup, Uint8Array>;
  /** Undefined for an algorithm that is not known. */
  readonly hash: { readonly name: string; readonly isWeak: boolean } | undefined;
  readonly hashOid: string;
  /** From version 1 on: "0108". */
  readonly ldsVersion: string | undefined;
}

/** Throws DerError. */
export function parseSecurityObject(content: Uint8Array): SecurityObject {
  const [version, algorithm, list, versions] = childrenOf(readDer(content));
  if (!(version instanceof Integer) || !algorithm || !list) throw new DerError('no LDS security object');
  const hashOid = oidOf(childrenOf(algorithm)[0]);
  const hashes = new Map<DataGroup, Uint8Array>();
  for (const entry of childrenOf(list)) {
    const [number, digest] = childrenOf(entry);
    if (!(number instanceof Integer)) throw new DerError('a data group without a number');
    const { valueDec } = number.valueBlock;
    if (!Number.isInteger(valueDec) || valueDec < 1 || valueDec > 16) throw new DerError('a data group that there is not');
    const group = dataGroupOf(valueDec);
    if (hashes.has(group)) throw new DerError('a data group with two hashes');
    hashes.set(group, octetsOf(digest));
  }
  const told = versions && childrenOf(versions)[0];
  const ldsVersion = told instanceof PrintableString ? told.getValue() : undefined;
  return { hashes, hash: HASHES.get(hashOid), hashOid, ldsVersion };
}

/** Over the whole file, its tag and length with it. */
export function digestOf(file: Uint8Array, hash: { readonly name: string }): Uint8Array {
  return new Uint8Array(createHash(hash.name).update(file).digest());
}
