/** All that passport.read loads with the first document. */
export { countryOf } from './country.ts';
export { accessFrom } from './document-access.ts';
export { readTravelDocument } from './document-reading.ts';
export { examinePassport } from './passport.ts';
export { ReadingProgress } from './reading-progress.ts';
export { TrustStore } from './trust-store.ts';
