/**
 * A PIV card (NIST SP 800-73-5, parts 1 and 2), posing as a YubiKey with Yubico's extensions or as a plain card of the standard. Written from the
 * specification on its own, so that it can test what kortd knows of PIV. Left out: secure messaging, pairing codes, on-card biometrics, touch (always
 * given), Ed25519 and X25519. Comparisons are not constant in time: its keys and PINs are for tests.
 */
export { createPivCard, type PivCardOptions, type SimulatedPivCard } from './piv/card.ts';
export { openPivCardFile } from './piv/state-file.ts';
export type { PivCardDescription, PivCardState, PivKeyDescription } from './piv/state.ts';
