/**
 * A card after PKCS #15 v1.1 and ISO/IEC 7816-15 with the files and commands of ISO/IEC 7816-4, -8 and -9, in the style of Swedish e-ID cards: two PINs
 * (legitimering, underskrift) and a PUK, a key and a certificate under each PIN. Written from the standards on its own, so that it can test what kortd knows
 * of such cards. Left out: secure messaging, records, logical channels, key agreement, biometrics. What a standard leaves open (algorithm references, file
 * identifiers, who may write what) is this card's own choice and stands as data in `eid/profile.ts` and `eid/layout.ts`. Comparisons are not constant in
 * time: its keys and PINs are for tests.
 */
export { createEidCard, type EidCardOptions, type SimulatedEidCard } from './eid/card.ts';
export { openEidCardFile } from './eid/state-file.ts';
export { issueAuthorityCertificate, issuePersonalCertificate } from './eid/certificates.ts';
export type { EidAuthority, EidPerson, PersonalCertificate, AuthorityCertificate } from './eid/certificates.ts';
export { describePersonalCard, type PersonalCard } from './eid/persona.ts';
export { PERSONA_NAMES, benchAuthorities, type BenchAuthority } from './eid/personas.ts';
export type { EidCardDescription, EidCardState, EidKeyDescription } from './eid/state.ts';
