/** What can be said of the chip of a travel document, after BSI TR-03135-1, section 5.6, and ICAO Doc 9303-11, sections 5 and 6. Codes are never renamed. */
import { makeChecks, type CheckReasons } from './check.ts';

/** Access, and the reading of files. */
const READING = {
  access_granted: {
    verdict: 'passed',
    en: 'The chip opened by {protocol}.',
    sv: 'Chippet öppnades med {protocol}.',
  },
  file_absent: {
    verdict: 'notSupported',
    en: '{file} is not in this document.',
    sv: '{file} finns inte i handlingen.',
  },
  file_invalid: {
    verdict: 'failed',
    en: '{file} is not what the standard says: it cannot be read.',
    sv: '{file} följer inte standarden och kan inte läsas.',
  },
  file_not_read: {
    verdict: 'notPerformed',
    en: '{file} was not asked for.',
    sv: '{file} efterfrågades inte.',
  },
  file_read: { verdict: 'passed', en: '{file} was read.', sv: '{file} lästes.' },
  file_refused: {
    verdict: 'failed',
    en: 'The document lists {file}, and its chip does not give it out.',
    sv: 'Handlingen anger {file}, men chippet lämnar inte ut den.',
  },
  session_lost: {
    verdict: 'aborted',
    en: 'The protected connection to the chip broke before {file} was read.',
    sv: 'Den skyddade förbindelsen med chippet bröts innan {file} hade lästs.',
  },
} as const satisfies CheckReasons;

/** What was signed, and by whom. */
const PASSIVE = {
  algorithm_not_accepted: {
    verdict: 'undetermined',
    en: 'It uses an algorithm or key that nobody should rely on any more, or that is not known: {algorithm}.',
    sv: 'Den använder en algoritm eller nyckel som inte längre bör litas på, eller som är okänd: {algorithm}.',
  },
  anchor_missing: {
    verdict: 'undetermined',
    en: 'No trusted country signing certificate is configured, so nobody can tell who signed the document.',
    sv: 'Inget betrott landscertifikat är konfigurerat, så det går inte att säga vem som undertecknat handlingen.',
  },
  authority_not_valid: {
    verdict: 'failed',
    en: 'The country signing certificate was not valid when the document was signed.',
    sv: 'Landscertifikatet gällde inte när handlingen undertecknades.',
  },
  authority_unknown: {
    verdict: 'undetermined',
    en: 'The country signing authority above the document signer is not among the trusted ones.',
    sv: 'Landets utfärdare ovanför handlingens undertecknare finns inte bland de betrodda.',
  },
  chain_broken: {
    verdict: 'failed',
    en: 'The certificate of the document signer is not by the country signing authority that it names.',
    sv: 'Undertecknarens certifikat är inte utfärdat av den landsutfärdare som det anger.',
  },
  chain_refused: {
    verdict: 'failed',
    en: 'The certificates of the document signer may not be used so: {problem}.',
    sv: 'Undertecknarens certifikat får inte användas så: {problem}.',
  },
  chain_trusted: {
    verdict: 'passed',
    en: 'The document signer was certified by a trusted country signing authority.',
    sv: 'Undertecknaren är certifierad av en betrodd landsutfärdare.',
  },
  country_differs: {
    verdict: 'failed',
    en: 'The state that issued the document is not the country of its signer.',
    sv: 'Staten som utfärdat handlingen är inte undertecknarens land.',
  },
  country_matches: {
    verdict: 'passed',
    en: 'The state that issued the document is the country of its signer.',
    sv: 'Staten som utfärdat handlingen är undertecknarens land.',
  },
  country_unknown: {
    verdict: 'undetermined',
    en: 'The issuing state, or the country of the signer, is not one that can be compared.',
    sv: 'Den utfärdande staten, eller undertecknarens land, går inte att jämföra.',
  },
  country_untold: {
    verdict: 'notPerformed',
    en: 'Without DG1 and a document signer there is nothing to compare.',
    sv: 'Utan DG1 och en undertecknare finns inget att jämföra.',
  },
  hash_algorithm_weak: {
    verdict: 'undetermined',
    en: '{file} has the hash that was signed, by an algorithm that nobody should rely on any more.',
    sv: '{file} har det hashvärde som undertecknades, men med en algoritm som inte längre bör litas på.',
  },
  hash_differs: {
    verdict: 'failed',
    en: '{file} is not what was signed: it was changed.',
    sv: '{file} är inte det som undertecknades: den har ändrats.',
  },
  hash_matches: {
    verdict: 'passed',
    en: '{file} is what was signed.',
    sv: '{file} är det som undertecknades.',
  },
  hash_missing: {
    verdict: 'failed',
    en: '{file} is in the document, and was not signed.',
    sv: '{file} finns i handlingen men är inte undertecknad.',
  },
  list_differs: {
    verdict: 'failed',
    en: 'EF.COM does not list what EF.SOD says was signed.',
    sv: 'EF.COM anger inte det som enligt EF.SOD undertecknades.',
  },
  list_matches: {
    verdict: 'passed',
    en: 'EF.COM lists what EF.SOD says was signed.',
    sv: 'EF.COM anger det som enligt EF.SOD undertecknades.',
  },
  list_untold: {
    verdict: 'undetermined',
    en: 'EF.COM could not be read, so its list cannot be compared.',
    sv: 'EF.COM kunde inte läsas, så dess lista kan inte jämföras.',
  },
  revocation_list_missing: {
    verdict: 'undetermined',
    en: 'There is no revocation list of the authority that certified the document signer.',
    sv: 'Det finns ingen spärrlista från den som certifierat undertecknaren.',
  },
  revocation_list_unfit: {
    verdict: 'undetermined',
    en: 'The revocation list does not tell of this signer: {problem}.',
    sv: 'Spärrlistan säger inget säkert om undertecknaren: {problem}.',
  },
  revocation_not_reached: {
    verdict: 'notPerformed',
    en: 'Without a trusted authority above the document signer nobody can say whether it was revoked.',
    sv: 'Utan en betrodd utfärdare ovanför undertecknaren kan ingen säga om den är spärrad.',
  },
  security_object_absent: {
    verdict: 'failed',
    en: 'EF.SOD is not there: nothing in this document is signed.',
    sv: 'EF.SOD saknas: inget i handlingen är undertecknat.',
  },
  security_object_invalid: {
    verdict: 'failed',
    en: 'EF.SOD is no signed security object.',
    sv: 'EF.SOD är inget undertecknat säkerhetsobjekt.',
  },
  security_object_unread: {
    verdict: 'aborted',
    en: 'EF.SOD could not be read to its end.',
    sv: 'EF.SOD kunde inte läsas till slut.',
  },
  signature_good: {
    verdict: 'passed',
    en: 'The signature is by the key of the document signer.',
    sv: 'Underskriften är gjord med undertecknarens nyckel.',
  },
  signature_wrong: {
    verdict: 'failed',
    en: 'The signature is not by the key of the document signer, or what it covers was changed.',
    sv: 'Underskriften är inte gjord med undertecknarens nyckel, eller så har innehållet ändrats.',
  },
  signer_certificate_missing: {
    verdict: 'undetermined',
    en: 'The certificate of the document signer is not in EF.SOD.',
    sv: 'Undertecknarens certifikat finns inte i EF.SOD.',
  },
  signer_not_revoked: {
    verdict: 'passed',
    en: 'The document signer is not on the revocation list.',
    sv: 'Undertecknaren finns inte på spärrlistan.',
  },
  signer_not_valid: {
    verdict: 'failed',
    en: 'The certificate of the document signer was not valid when the document was signed.',
    sv: 'Undertecknarens certifikat gällde inte när handlingen undertecknades.',
  },
  signer_over: {
    verdict: 'undetermined',
    en: 'The certificate of the document signer is not valid today, and nothing tells when the document was signed.',
    sv: 'Undertecknarens certifikat gäller inte i dag, och inget säger när handlingen undertecknades.',
  },
  signer_revoked: {
    verdict: 'failed',
    en: 'The certificate of the document signer was revoked.',
    sv: 'Undertecknarens certifikat är spärrat.',
  },
  signer_untold: {
    verdict: 'notPerformed',
    en: 'There is no document signer to look at.',
    sv: 'Det finns ingen undertecknare att kontrollera.',
  },
  signer_valid: {
    verdict: 'passed',
    en: 'The certificate of the document signer was valid when the document was signed.',
    sv: 'Undertecknarens certifikat gällde när handlingen undertecknades.',
  },
} as const satisfies CheckReasons;

/** Whether the chip is the one that was personalised. */
const CHIP = {
  chip_absent_key: {
    verdict: 'notSupported',
    en: 'The document names no key by which its chip could prove itself in this way.',
    sv: 'Handlingen anger ingen nyckel som chippet kan visa sin äkthet med på detta sätt.',
  },
  chip_genuine: {
    verdict: 'passed',
    en: 'The chip has the key that the issuer signed: it is no copy.',
    sv: 'Chippet har den nyckel som utfärdaren undertecknat: det är ingen kopia.',
  },
  chip_key_invalid: {
    verdict: 'undetermined',
    en: 'The key of the chip is of a kind that is not known, or cannot be read.',
    sv: 'Chippets nyckel är av okänt slag eller går inte att läsa.',
  },
  chip_key_unsigned: {
    verdict: 'undetermined',
    en: 'The chip has the key that the document names, and it is not proven that the issuer signed that key.',
    sv: 'Chippet har nyckeln som handlingen anger, men det är inte styrkt att utfärdaren undertecknat den.',
  },
  chip_not_asked: {
    verdict: 'notPerformed',
    en: 'The chip was not asked to prove itself.',
    sv: 'Chippet ombads inte visa sin äkthet.',
  },
  chip_not_genuine: {
    verdict: 'failed',
    en: 'The chip does not have the key that the document names: it may be a copy.',
    sv: 'Chippet har inte nyckeln som handlingen anger: det kan vara en kopia.',
  },
  chip_session_lost: {
    verdict: 'aborted',
    en: 'The protected connection to the chip broke before it had proved itself.',
    sv: 'Den skyddade förbindelsen med chippet bröts innan det visat sin äkthet.',
  },
  terminal_not_known: {
    verdict: 'notPerformed',
    en: 'Fingerprints are for terminals with a national certificate; kortd has none.',
    sv: 'Fingeravtryck är för terminaler med nationellt certifikat; kortd har inget.',
  },
} as const satisfies CheckReasons;

/** Pictures in the chip. */
const PICTURES = {
  picture_absent: {
    verdict: 'failed',
    en: '{file} holds no picture of a kind that is known.',
    sv: '{file} innehåller ingen bild av känt slag.',
  },
  picture_damaged: {
    verdict: 'failed',
    en: 'The picture in {file} is damaged, and cannot be shown.',
    sv: 'Bilden i {file} är skadad och går inte att visa.',
  },
  picture_excessive: {
    verdict: 'undetermined',
    en: 'The picture in {file} is larger than any that is looked at.',
    sv: 'Bilden i {file} är större än vad som behandlas.',
  },
  picture_read: { verdict: 'passed', en: 'The picture in {file} can be shown.', sv: 'Bilden i {file} går att visa.' },
} as const satisfies CheckReasons;

export const ELECTRONIC_REASONS = { ...READING, ...PASSIVE, ...CHIP, ...PICTURES };
export type ElectronicReason = keyof typeof ELECTRONIC_REASONS;

export const electronic = makeChecks('electronic', ELECTRONIC_REASONS);
