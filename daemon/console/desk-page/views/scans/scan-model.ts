/** A scan and what was made of it, sorted for people: pictures by page and light, checks by group, and rows for tables. Plain functions of API data. */
import type { DocumentVerdict } from '../../../../../api-spec/document.ts';
import type { Scan, ScanImage } from '../../../../../api-spec/scan/scan.ts';
import type { Verdict } from '../../../../../api-spec/scan/verdict.ts';
import type { Language } from '../../language.ts';
import type { Tone } from '../../parts.tsx';
import { reasonText } from './check-names.ts';
import { documentCheckName } from './document-check-names.ts';
import { SCAN_TEXTS } from './scan-texts.ts';

type Light = ScanImage['light'];

export const VERDICT_TONES: Readonly<Record<Verdict, Tone>> = {
  passed: 'good',
  failed: 'bad',
  undetermined: 'warning',
  notSupported: 'quiet',
  notPerformed: 'quiet',
  aborted: 'warning',
};
/** Told beside the colour, in boxes, badges and tables. */
export const VERDICT_SIGNS: Readonly<Record<Verdict, string>> = {
  passed: '✓',
  failed: '✗',
  undetermined: '?',
  notSupported: '–',
  notPerformed: '–',
  aborted: '!',
};

const LIGHT_ORDER: readonly Light[] = ['white', 'whiteTop', 'whiteSide', 'ir', 'uv', 'axial', 'ovd', 'unknown'];

export interface ScanPictures {
  /** One list a page, each in the order of lights: they show the same place, side by side. */
  readonly pages: readonly (readonly ScanImage[])[];
  /** Of the person, and their signature. */
  readonly portraits: readonly ScanImage[];
  /** What a check looked at closely, beside what it should look like. */
  readonly details: readonly { readonly detail: ScanImage; readonly reference?: ScanImage }[];
}

export function picturesOf({ images, checks }: Pick<Scan, 'checks' | 'images'>): ScanPictures {
  const pageImages = images.filter(({ kind }) => kind === 'page');
  const numbers = [...new Set(pageImages.map(({ page }) => page))].sort((one, other) => one - other);
  const byLight = (one: ScanImage, other: ScanImage): number => LIGHT_ORDER.indexOf(one.light) - LIGHT_ORDER.indexOf(other.light);
  const referenceOf = ({ id }: ScanImage): ScanImage | undefined => {
    const named = checks.find(({ image }) => image === id)?.reference;
    return images.find((image) => image.id === named);
  };
  return {
    pages: numbers.map((number) => pageImages.filter(({ page }) => page === number).sort(byLight)),
    portraits: images.filter(({ kind }) => ['portrait', 'portraitChip', 'signature'].includes(kind)),
    details: images
      .filter(({ kind }) => kind === 'detail')
      .map((detail) => {
        const reference = referenceOf(detail);
        return { detail, ...(reference ? { reference } : {}) };
      }),
  };
}

export interface CheckGroup {
  readonly group: Scan['checks'][number]['group'];
  readonly checks: readonly Scan['checks'][number][];
}

export function checkGroups({ checks }: Pick<Scan, 'checks'>): readonly CheckGroup[] {
  const groups = [...new Set(checks.map(({ group }) => group))];
  return groups.map((group) => ({ group, checks: checks.filter((check) => check.group === group) }));
}

export type VerdictRow = readonly [name: string, verdict: Verdict];

/** Everything that was found of the chip, in words; empty when nothing was asked of it. */
export function chipRows(chip: Scan['chip'], language: Language): readonly VerdictRow[] {
  if (!chip) return [];
  const texts = SCAN_TEXTS[language].chip;
  const { present, access, passive, dataGroups = [], active, chipAuthentication, terminalAuthentication, verdict } = chip;
  const rows: readonly (readonly [string, Verdict | undefined])[] = [
    [texts.present, present],
    [texts.pace, access?.pace],
    [texts.bac, access?.bac],
    [texts.passive, passive?.verdict],
    [texts.sodSignature, passive?.sodSignature],
    [texts.chain, passive?.chain],
    [texts.certificateValidity, passive?.certificateValidity],
    [texts.revocation, passive?.revocation],
    [texts.countryMatch, passive?.countryMatch],
    ...dataGroups.flatMap(({ dg, read, hash }): readonly (readonly [string, Verdict | undefined])[] => [
      [texts.read(dg), read],
      [texts.hash(dg), hash],
    ]),
    [texts.active, active],
    [texts.chipAuthentication, chipAuthentication],
    [texts.terminalAuthentication, terminalAuthentication],
    [texts.verdict, verdict],
  ];
  return rows.flatMap(([name, each]) => (each === undefined ? [] : [[name, each] as const]));
}

export interface Judgement {
  readonly verdict: Verdict;
  readonly headline: string;
  readonly advice: string;
  /** Why it is not better, in words where there are any. */
  readonly reasons: readonly string[];
  /** By which rules; absent: document.verify was not asked. */
  readonly ruleSet?: string;
}

/** What document.verify came to, the latest time; else what the scan alone comes to. */
export function judgementOf(scan: Scan, verdicts: readonly DocumentVerdict[], language: Language): Judgement {
  const texts = SCAN_TEXTS[language];
  const [latest] = verdicts;
  const verdict = latest?.overall ?? scan.verdict.overall;
  return {
    verdict,
    headline: (latest ? texts.judged : texts.scanned)[verdict],
    advice: latest ? texts.advice[verdict] : texts.notJudged,
    reasons: latest ? reasonsOf(latest, language) : scan.verdict.reasons.map((reason) => reasonText(reason, language)),
    ...(latest ? { ruleSet: latest.ruleSet } : {}),
  };
}

function reasonsOf({ reasons, checks }: DocumentVerdict, language: Language): readonly string[] {
  const texts = reasons.map((reason) => {
    const text = checks.find(({ id }) => id === reason)?.text[language];
    const name = documentCheckName(reason, language);
    return text === undefined ? (name ?? reason) : name === undefined ? text : `${name}: ${text}`;
  });
  return [...new Set(texts)];
}

/** What somebody who does not see it is told. */
export function describePicture(image: ScanImage, verdicts: readonly Verdict[], language: Language): string {
  const texts = SCAN_TEXTS[language];
  const counted = [...new Set(verdicts)].map(
    (verdict) => `${verdicts.filter((each) => each === verdict).length} ${texts.verdicts[verdict].toLowerCase()}`,
  );
  const what = `${texts.kinds[image.kind]}, ${texts.lights[image.light]}`;
  return verdicts.length === 0 ? what : `${what}. ${texts.checkCount(verdicts.length)}: ${counted.join(', ')}`;
}
