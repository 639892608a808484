/**
 * GUIDs that follow from names: UUID version 5 (RFC 9562 §5.5), so that the same product, version and file have the same GUID in every build, and Windows Installer knows
 * them again.
 */
import { createHash } from 'node:crypto';

/** Ours, drawn once; everything else is derived from it. Never to be changed: an installed package would not be known again. */
const NAMESPACE = 'b3f6c0de-5d0b-4c7e-9a52-6f1d2c9e7a41';

/** In upper case with braces, as Windows Installer wants it. */
export function windowsGuid(...names: readonly string[]): string {
  return `{${uuidOf(...names).toUpperCase()}}`;
}

/** In lower case: RFC 9562 §4. */
export function uuidOf(...names: readonly string[]): string {
  const namespace = Buffer.from(NAMESPACE.replaceAll('-', ''), 'hex');
  const digest = createHash('sha1').update(namespace).update(names.join('\0')).digest().subarray(0, 16);
  digest[6] = ((digest[6] ?? 0) & 0x0f) | 0x50;
  digest[8] = ((digest[8] ?? 0) & 0x3f) | 0x80;
  const hex = digest.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
