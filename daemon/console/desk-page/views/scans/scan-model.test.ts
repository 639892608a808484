import { describe, expect, it } from 'vitest';
import { EXAMPLE_VERDICT } from '../../../../../api-spec/generate/example-document.ts';
import { MANUAL_CHECKS } from '../../../../../api-spec/document.ts';
import { EXAMPLE_SCAN } from '../../../../../api-spec/generate/example-scan.ts';
import type { DocumentVerdict } from '../../../../../api-spec/document.ts';
import type { EventData, EventName } from '../../../../../api-spec/events.ts';
import { EXAMPLE_SCANNER } from '../../../../../api-spec/generate/example-scan.ts';
import type { Scan, ScanImage } from '../../../../../api-spec/scan/scan.ts';
import type { AnyEvent } from '../../topic.ts';
import { checkName } from './check-names.ts';
import { documentCheckName } from './document-check-names.ts';
import { chipRows, describePicture, judgementOf, picturesOf } from './scan-model.ts';
import { applyToScanners, type ScannersState } from './scanners-state.ts';

const image = (id: string, kind: ScanImage['kind'], light: ScanImage['light'], page = 0): ScanImage => ({
  ...{ id, kind, light, page, mediaType: 'image/png', width: 200, height: 100, size: 1, sha256: '0'.repeat(64) },
});

describe('pictures', () => {
  it('stand side by side by page, visible light first; portraits and details apart', () => {
    const images = [
      image('back', 'page', 'white', 1),
      image('uv', 'page', 'uv'),
      image('white', 'page', 'white'),
      image('ir', 'page', 'ir'),
      image('face', 'portrait', 'white'),
      image('close', 'detail', 'ir'),
      image('like', 'reference', 'ir'),
      image('lonely', 'detail', 'uv'),
    ];
    const checks: Scan['checks'] = [{ id: 'a', group: 'optical', verdict: 'passed', image: 'close', reference: 'like' }];
    const { pages, portraits, details } = picturesOf({ images, checks });
    expect(pages.map((page) => page.map(({ id }) => id))).toEqual([['white', 'ir', 'uv'], ['back']]);
    expect(portraits.map(({ id }) => id)).toEqual(['face']);
    expect(details.map(({ detail, reference }) => [detail.id, reference?.id])).toEqual([
      ['close', 'like'],
      ['lonely', undefined],
    ]);
  });

  it('are told to those who do not see them, with what checks came to', () => {
    const text = describePicture(image('ir', 'page', 'ir'), ['passed', 'passed', 'failed'], 'sv');
    expect(text).toBe('Sida, infrarött. 3 kontroller: 2 godkänd, 1 underkänd');
  });
});

describe('what a document came to', () => {
  const verdict = {
    overall: 'failed',
    ruleSet: 'loa2',
    reasons: ['validity.expired', 'unknown.check'],
    checks: [{ id: 'validity.expired', text: { en: 'It has expired.', sv: 'Den har gått ut.' } }],
  } as unknown as DocumentVerdict;

  it('is the verdict by the rules with its reasons in words, where there is one', () => {
    expect(judgementOf(EXAMPLE_SCAN, [verdict], 'sv')).toEqual({
      verdict: 'failed',
      headline: 'Handlingen är inte godkänd',
      advice: 'Godta den inte som den är. Se nedan varför, och titta själv på handlingen.',
      reasons: ['Den har gått ut.', 'unknown.check'],
      ruleSet: 'loa2',
    });
  });

  it('is else what the scan alone came to, and says that nobody asked for more', () => {
    const judged = judgementOf(EXAMPLE_SCAN, [], 'en');
    expect(judged.verdict).toBe(EXAMPLE_SCAN.verdict.overall);
    expect(judged.advice).toContain('Nobody has asked');
    const reasons = ['optical.uv-dull: failed', 'chip.expected', 'maker.own: odd'];
    expect(judgementOf({ ...EXAMPLE_SCAN, verdict: { ...EXAMPLE_SCAN.verdict, reasons } }, [], 'en').reasons).toEqual([
      'Paper does not glow in ultraviolet: failed',
      'The document has a chip, and it was not read',
      'maker.own: odd',
    ]);
  });
});

describe('checks', () => {
  it('have names in words, counted where there are several of a kind; what is not known keeps its id', () => {
    expect(['optical.uv-fibres.1', 'optical.uv-fibres.2', 'maker.own.3'].map((id) => checkName(id, 'sv'))).toEqual([
      'Fibrer som lyser i ultraviolett',
      'Fibrer som lyser i ultraviolett (2)',
      'maker.own.3',
    ]);
  });
});

describe('why a verdict is not better', () => {
  it('names each check that is open, in both languages, and says nothing twice', () => {
    for (const language of ['en', 'sv'] as const) {
      const { reasons } = judgementOf(EXAMPLE_SCAN, [EXAMPLE_VERDICT], language);
      expect(reasons).toHaveLength(EXAMPLE_VERDICT.reasons.length);
      for (const reason of reasons) expect(reason).toMatch(/^\p{Lu}[^:.]+: \p{Lu}.+\.$/u);
    }
    expect(documentCheckName('mrz.digits.mrz.birthDate', 'sv')).toBe('Den maskinläsbara zonens kontrollsiffror');
    expect(documentCheckName('maker.own', 'sv')).toBeUndefined();
  });

  it('has a name for every check of an operator', () => {
    for (const check of MANUAL_CHECKS)
      for (const language of ['en', 'sv'] as const) expect(documentCheckName(check, language), check).toBeDefined();
  });
});

describe('the chip', () => {
  it('is a row for each thing that was told, and none for what was not', () => {
    expect(chipRows(undefined, 'en')).toEqual([]);
    expect(
      chipRows(
        { present: 'passed', passive: { verdict: 'failed', chain: 'failed' }, dataGroups: [{ dg: 2, hash: 'passed' }] },
        'en',
      ),
    ).toEqual([
      ['A chip is there', 'passed'],
      ['Passive authentication', 'failed'],
      ['Issuer is trusted', 'failed'],
      ['Data group 2 is as it was signed', 'passed'],
    ]);
  });
});

describe('scanners as events change them', () => {
  const event = <N extends EventName>(name: N, data: EventData<N>): AnyEvent =>
    ({ sequence: 1, time: '2026-03-02T08:15:00.000Z', name, data }) as unknown as AnyEvent;
  const { id: scanner } = EXAMPLE_SCANNER;
  const empty: ScannersState = { scanners: new Map(), progress: new Map(), problems: [], changes: 1 };

  it('come, tell how far they are, and go', () => {
    const busy = applyToScanners(empty, [
      event('scanner.added', { scanner: EXAMPLE_SCANNER }),
      event('scanner.progress', { scanner, stage: 'capturing', light: 'uv' }),
    ]);
    expect([busy.scanners.size, busy.progress.get(scanner)?.light, busy.changes]).toEqual([1, 'uv', 1]);
    const done = applyToScanners(busy, [event('scanner.progress', { scanner, stage: 'ended' })]);
    expect([done.progress.size, done.changes]).toEqual([0, 2]);
    expect(applyToScanners(done, [event('document.judged', { verdict: 'verdict-1' })]).changes).toBe(3);
    expect(applyToScanners(done, [event('scanner.removed', { scanner })]).scanners.size).toBe(0);
  });
});
