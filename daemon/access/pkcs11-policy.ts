/**
 * The `pkcs11` of a policy file: whether programs may change cards through PKCS #11. They may unless a file says otherwise: what they do still wants the PIN, the PUK or
 * the management key of the card. Of several files one that denies it counts.
 */
import Type, { type Static } from 'typebox';

export const Pkcs11Section = Type.Optional(
  Type.Object({ writes: Type.Optional(Type.Enum(['allowed', 'denied'] as const)) }, { additionalProperties: false }),
);
interface File {
  readonly pkcs11?: Static<typeof Pkcs11Section>;
}

/** `refused`: contents of files that were refused, as far as they can be read. One that may deny it is taken to do so. */
export function mayProgramsWrite(files: readonly File[], refused: readonly unknown[]): boolean {
  return !files.some(({ pkcs11 }) => pkcs11?.writes === 'denied') && !refused.some(mayDeny);
}

function mayDeny(content: unknown): boolean {
  return typeof content !== 'object' || content === null || Array.isArray(content) || 'pkcs11' in content;
}
