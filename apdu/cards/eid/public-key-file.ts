/**
 * The file beside a key that holds its public half. The card makes the key; the file is for its host to write (ISO/IEC 7816-15:2016, section 8.5). It is emptied
 * before the key is made: broken off in between, the card tells no public key rather than that of a key which is gone.
 */
import { decodeTlv, encodeTlv, requireTlv } from '../../tlv/ber-tlv.ts';
import type { KeyAlgorithm } from '../../token.ts';
import { TAG_BIT_STRING, TAG_OCTET_STRING, parsing } from './der.ts';
import type { EidDirectory } from './directory.ts';
import type { KeyObject } from './keys.ts';
import { isFilling } from './file-shape.ts';
import { updateIfAllowed, updateSelectedIfAllowed } from './update.ts';

export interface PublicKeyFile {
  /** From here on the file tells nothing. Right after it was opened: it is still selected. */
  empty(): Promise<void>;
  /** Nothing is written where the card did not let the file be emptied, or it has no room. */
  write(content: Uint8Array): Promise<void>;
  /** The file tells what it told. */
  restore(): Promise<void>;
}

/** Undefined when the directory names no such file, or it cannot be read. */
export async function openPublicKeyFile(directory: EidDirectory, key: KeyObject): Promise<PublicKeyFile | undefined> {
  const { files } = directory;
  const twin = (await directory.publicKeys()).find(({ id, family }) => id === key.id && family === key.family);
  const path = twin?.path;
  if (!path || path.offset !== undefined || path.file.length < 4) return undefined;
  files.forget(path.file);
  const before = await files.read(path, 'head');
  const [first] = before ?? [];
  if (!before || first === undefined) return undefined;
  const firstByte = Uint8Array.of(first);
  let isEmptied = false;
  return {
    empty: async () => {
      isEmptied = isFilling(first) || (await updateSelectedIfAllowed(files, 0, Uint8Array.of(0x00)));
    },
    write: async (content) => {
      // The first byte last: until it is there, the file tells nothing.
      const rest = content.subarray(1);
      if (!isEmptied || !(await writeRest(directory, path.file, rest))) return;
      await updateSelectedIfAllowed(files, 0, content.subarray(0, 1));
    },
    restore: async () => {
      if (isEmptied) await updateIfAllowed(files, path.file, 0, firstByte);
    },
  };
}

const PART_LENGTH = 0xf0;

async function writeRest({ files }: EidDirectory, file: string, rest: Uint8Array): Promise<boolean> {
  if (!(await files.select(file))) return false;
  for (let offset = 0; offset < rest.length; offset += PART_LENGTH)
    if (!(await updateSelectedIfAllowed(files, 1 + offset, rest.subarray(offset, offset + PART_LENGTH)))) return false;
  return true;
}

/** RSAPublicKey (RFC 8017, appendix A.1.1), or an OCTET STRING around an uncompressed point: what SubjectPublicKeyInfo has in its BIT STRING. */
export function encodePublicKeyFile(algorithm: KeyAlgorithm, publicKey: Uint8Array): Uint8Array {
  return parsing('a public key', () => {
    const [information] = decodeTlv(publicKey);
    const bits = requireTlv(decodeTlv(information?.value ?? publicKey), TAG_BIT_STRING).subarray(1);
    return algorithm.startsWith('RSA-') ? bits : encodeTlv(TAG_OCTET_STRING, bits);
  });
}
