/** EF.SOD (ICAO Doc 9303-10, section 4.6.2): hashes of all data groups, signed. */
import { createHash } from 'node:crypto';
import { encodeTlv } from '../../../../apdu/tlv/ber-tlv.ts';
import { encodeInteger, sequence } from '../../der.ts';
import { hashIdentifier, nodeHashName, type SignatureHash } from '../../signature-scheme.ts';
import { signData, type CmsSigner } from '../../signed-data.ts';
import { OID_LDS_SECURITY_OBJECT } from './constants.ts';
import { EF_SOD, UNICODE_VERSION } from './data-groups.ts';

export interface HashedGroup {
  readonly number: number;
  /** The whole file, tag and length with it. */
  readonly content: Uint8Array;
}

export interface SecurityObject {
  readonly groups: readonly HashedGroup[];
  readonly hash: SignatureHash;
  readonly ldsVersion: string;
}

/** Version 1 tells the version of the data structure, which EF.COM does not prove. */
const FIRST_LDS_VERSION_TOLD = '0108';

export function signSecurityObject({ groups, hash, ldsVersion }: SecurityObject, signer: CmsSigner): Uint8Array {
  const hashes = groups.map(({ number, content }) => {
    const digest = createHash(nodeHashName(hash)).update(content).digest();
    return sequence(encodeInteger(BigInt(number)), encodeTlv(0x04, new Uint8Array(digest)));
  });
  const tellsVersion = ldsVersion >= FIRST_LDS_VERSION_TOLD;
  const versions = [ldsVersion, UNICODE_VERSION].map((text) => encodeTlv(0x13, Buffer.from(text, 'latin1')));
  const securityObject = sequence(
    encodeInteger(tellsVersion ? 1n : 0n),
    hashIdentifier(hash),
    sequence(...hashes),
    ...(tellsVersion ? [sequence(...versions)] : []),
  );
  return encodeTlv(EF_SOD.tag, signData({ type: OID_LDS_SECURITY_OBJECT, bytes: securityObject }, signer));
}
