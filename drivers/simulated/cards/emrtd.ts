/**
 * A passport or identity card with a chip (ICAO Doc 9303, parts 3, 4, 5, 10, 11 and 12): BAC and PACE, secure messaging, chip and active authentication, signed files of
 * a state that does not exist, and defects to order. Written from the document on its own, so that it can test what kortd knows of such documents. Left out: terminal
 * authentication, so that fingerprints are there and never given. Comparisons are not constant in time, and every key is public.
 */
export { createEmrtdCard, type EmrtdCardOptions, type PrintedDocument, type SimulatedEmrtdCard } from './emrtd/card.ts';
export { openEmrtdCardFile } from './emrtd/state-file.ts';
export {
  UTOPIAN_COUNTRY_SIGNERS,
  documentSigner,
  linkCertificate,
  makeMasterList,
  makeRevocationList,
  trustedCountryCertificates,
  type SignerName,
} from './emrtd/authorities.ts';
export type { EmrtdDefect, EmrtdDescription, EmrtdHolder } from './emrtd/description.ts';
export { EMRTD_PERSONA_NAMES } from './emrtd/personas.ts';
