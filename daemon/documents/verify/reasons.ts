/** What can be said of a document beyond its chip: texts for people, by codes that are never renamed. None names what was read: that is personal. */
import { makeChecks, type CheckReasons } from '../check.ts';

const MRZ = {
  digit_agrees: { verdict: 'passed', en: 'The check digit agrees.', sv: 'Kontrollsiffran stämmer.' },
  digit_differs: {
    verdict: 'failed',
    en: 'The check digit is not the one that kortd counts: something was misread, or changed.',
    sv: 'Kontrollsiffran är inte den som kortd räknar fram: något är felläst eller ändrat.',
  },
  zone_absent: {
    verdict: 'notPerformed',
    en: 'No machine-readable zone was given or read.',
    sv: 'Ingen maskinläsbar zon har angetts eller lästs.',
  },
  zone_invalid: {
    verdict: 'failed',
    en: 'What was read is no machine-readable zone: {problem}.',
    sv: 'Det som lästes är ingen maskinläsbar zon: {problem}.',
  },
  zone_read: { verdict: 'passed', en: 'A zone of format {format} was read.', sv: 'En zon av format {format} lästes.' },
  zone_repaired: {
    verdict: 'passed',
    en: 'Misread characters ({count}) were put right: the check digits prove them.',
    sv: 'Fellästa tecken ({count}) har rättats: kontrollsiffrorna styrker dem.',
  },
  zone_untouched: { verdict: 'passed', en: 'Nothing in it was put right.', sv: 'Inget i den har rättats.' },
  vendor_agrees: {
    verdict: 'passed',
    en: 'The scanner thinks the same of the zone as kortd.',
    sv: 'Skannern bedömer zonen som kortd gör.',
  },
  vendor_differs: {
    verdict: 'undetermined',
    en: 'The scanner thinks otherwise of the zone than kortd, which counted for itself.',
    sv: 'Skannern bedömer zonen annorlunda än kortd, som har räknat själv.',
  },
} as const satisfies CheckReasons;

const COMPARED = {
  agree: { verdict: 'passed', en: 'Both say the same.', sv: 'Båda säger detsamma.' },
  agree_truncated: {
    verdict: 'passed',
    en: 'Both say the same, as far as the name has room in the machine-readable zone.',
    sv: 'Båda säger detsamma, så långt namnet får plats i den maskinläsbara zonen.',
  },
  differ: { verdict: 'failed', en: 'They do not say the same.', sv: 'De säger inte detsamma.' },
  differ_in_accents: {
    verdict: 'undetermined',
    en: 'They differ in nothing but the marks on letters.',
    sv: 'De skiljer sig bara i accenter och prickar.',
  },
  in_part: {
    verdict: 'undetermined',
    en: 'One says more than the other, and neither contradicts.',
    sv: 'Den ena säger mer än den andra, och inget talar emot.',
  },
  nothing_to_compare: {
    verdict: 'notPerformed',
    en: 'One of them does not say it, or was not given.',
    sv: 'En av dem säger inget om det, eller saknas.',
  },
  unreadable: {
    verdict: 'undetermined',
    en: 'One of them says nothing that can be understood.',
    sv: 'En av dem säger inget som går att tolka.',
  },
} as const satisfies CheckReasons;

const JUDGED = {
  country_differs: {
    verdict: 'failed',
    en: 'The state that issued the document is not the country of whoever signed its chip.',
    sv: 'Staten som utfärdat handlingen är inte landet för den som undertecknat chippet.',
  },
  country_matches: {
    verdict: 'passed',
    en: 'The state that issued the document is the country of whoever signed its chip.',
    sv: 'Staten som utfärdat handlingen är landet för den som undertecknat chippet.',
  },
  country_unknown: {
    verdict: 'undetermined',
    en: 'The issuing state, or the country of the signer, has no code that is known.',
    sv: 'Den utfärdande staten, eller undertecknarens land, har ingen känd kod.',
  },
  expired: { verdict: 'failed', en: 'The document has expired.', sv: 'Handlingens giltighetstid har gått ut.' },
  expiry_unknown: {
    verdict: 'undetermined',
    en: 'The last day of the document is not wholly known.',
    sv: 'Handlingens sista giltighetsdag är inte helt känd.',
  },
  not_expired: { verdict: 'passed', en: 'The document has not expired.', sv: 'Handlingen gäller fortfarande.' },
  no_age_rule: {
    verdict: 'notPerformed',
    en: 'The rules name no least age.',
    sv: 'Reglerna anger ingen lägsta ålder.',
  },
  age_unknown: {
    verdict: 'undetermined',
    en: 'The day of birth is not wholly known, and the age hangs on it.',
    sv: 'Födelsedagen är inte helt känd, och åldern beror på den.',
  },
  born_later: {
    verdict: 'failed',
    en: 'The birth date is after today.',
    sv: 'Födelsedatumet ligger efter dagens datum.',
  },
  old_enough: { verdict: 'passed', en: 'The holder is {age} at least.', sv: 'Innehavaren har fyllt {age}.' },
  too_young: { verdict: 'failed', en: 'The holder is not yet {age}.', sv: 'Innehavaren har inte fyllt {age}.' },
  lists_unread: {
    verdict: 'undetermined',
    en: 'A list of documents could not be read: {problem}.',
    sv: 'En lista över handlingar kunde inte läsas: {problem}.',
  },
  no_lists: {
    verdict: 'notPerformed',
    en: 'No lists of documents are configured.',
    sv: 'Inga listor över handlingar är konfigurerade.',
  },
  on_list: { verdict: 'failed', en: 'The document is on the list {list}.', sv: 'Handlingen finns på listan {list}.' },
  on_no_list: { verdict: 'passed', en: 'The document is on no list.', sv: 'Handlingen finns inte på någon lista.' },
} as const satisfies CheckReasons;

const SCANNED = {
  chip_absent: {
    verdict: 'notPerformed',
    en: 'The chip was not read.',
    sv: 'Chippet har inte lästs.',
  },
  chip_genuine_told: {
    verdict: 'passed',
    en: 'The chip has proved that it is no copy.',
    sv: 'Chippet har visat att det inte är en kopia.',
  },
  chip_not_genuine_told: {
    verdict: 'failed',
    en: 'The chip does not prove that it is the one that was issued.',
    sv: 'Chippet kan inte visa att det är det som utfärdats.',
  },
  chip_proof_untold: {
    verdict: 'notPerformed',
    en: 'The chip was not asked to prove that it is no copy, or has no key for it.',
    sv: 'Chippet ombads inte visa att det inte är en kopia, eller saknar nyckel för det.',
  },
  chip_read: { verdict: 'passed', en: 'The chip was read.', sv: 'Chippet har lästs.' },
  not_looked_at: {
    verdict: 'notPerformed',
    en: 'Nothing was looked at in this way.',
    sv: 'Inget har undersökts på detta sätt.',
  },
  scan_aborted: { verdict: 'aborted', en: 'The scan was broken off.', sv: 'Skanningen avbröts.' },
  scan_absent: { verdict: 'notPerformed', en: 'The document was not scanned.', sv: 'Handlingen har inte skannats.' },
  scan_complete: { verdict: 'passed', en: 'The scan is complete.', sv: 'Skanningen är fullständig.' },
  scan_partial: {
    verdict: 'undetermined',
    en: 'The scan is not complete: something that was to be looked at was not.',
    sv: 'Skanningen är inte fullständig: något som skulle undersökas undersöktes inte.',
  },
  told_aborted: { verdict: 'aborted', en: 'The device broke it off.', sv: 'Enheten avbröt.' },
  told_failed: { verdict: 'failed', en: 'The device found it wrong.', sv: 'Enheten underkände.' },
  told_failed_lightly: {
    verdict: 'undetermined',
    en: 'The device found it wrong, and says that a genuine document may be so.',
    sv: 'Enheten underkände, men anger att en äkta handling kan vara sådan.',
  },
  told_notPerformed: { verdict: 'notPerformed', en: 'The device did not look.', sv: 'Enheten undersökte inte.' },
  told_notSupported: {
    verdict: 'notSupported',
    en: 'The document or the device has no such thing.',
    sv: 'Handlingen eller enheten har inget sådant.',
  },
  told_passed: { verdict: 'passed', en: 'The device found it right.', sv: 'Enheten godkände.' },
  told_undetermined: { verdict: 'undetermined', en: 'The device could not tell.', sv: 'Enheten kunde inte avgöra.' },
} as const satisfies CheckReasons;

const MANUAL = {
  operator_failed: { verdict: 'failed', en: 'The operator found it wrong.', sv: 'Handläggaren underkände.' },
  operator_notSupported: {
    verdict: 'notSupported',
    en: 'The operator says that the document has no such thing.',
    sv: 'Handläggaren anger att handlingen inte har något sådant.',
  },
  operator_passed: { verdict: 'passed', en: 'The operator found it right.', sv: 'Handläggaren godkände.' },
  operator_silent: { verdict: 'notPerformed', en: 'The operator has not said.', sv: 'Handläggaren har inte angett något.' },
  operator_undetermined: {
    verdict: 'undetermined',
    en: 'The operator could not tell.',
    sv: 'Handläggaren kunde inte avgöra.',
  },
} as const satisfies CheckReasons;

export const mrzCheck = makeChecks('mrz', MRZ);
export const combinedCheck = makeChecks('combined', { ...COMPARED, ...JUDGED });
export const electronicCheck = makeChecks('electronic', SCANNED);
export const opticalCheck = makeChecks('optical', SCANNED);
export const qualityCheck = makeChecks('quality', SCANNED);
export const serviceCheck = makeChecks('service', SCANNED);
export const portraitCheck = makeChecks('combined', SCANNED);
export const manualCheck = makeChecks('manual', MANUAL);
/** Every code, for the tests of texts. */
export const VERDICT_REASONS = { ...MRZ, ...COMPARED, ...JUDGED, ...SCANNED, ...MANUAL };
