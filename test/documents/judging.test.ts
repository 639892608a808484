/** document.verify on everything that can be typed, scanned and read: what is wrong is found, what is not known never passes, and nothing that fails is made right. */
import { describe, expect, it } from 'vitest';
import { MANUAL_CHECKS, MANUAL_VERDICTS, type ManualEntry } from '../../api-spec/document.ts';
import { VERDICTS } from '../../api-spec/document-check.ts';
import type { Scan } from '../../api-spec/scan/scan.ts';
import { parseMrz } from '../../apdu/icao9303/mrz.ts';
import { mergeVerdicts } from '../../daemon/access/verdict-policy.ts';
import { electronicCheck } from '../../daemon/documents/verify/reasons.ts';
import { examine, type ChipReading, type DocumentInput } from '../../daemon/documents/verify/examine.ts';
import { judge, type Judgement } from '../../daemon/documents/verify/judge.ts';
import { covers } from '../../daemon/documents/verify/requirements.ts';
import type { RuleSet } from '../../daemon/documents/verify/rule-set.ts';
import type { ListMatch } from '../../daemon/documents/verify/lists.ts';

const NOW = new Date('2026-03-02T08:15:00.000Z');
const LINES = ['P<UTOTESTSSON<<EVA<LINNEA<<<<<<<<<<<<<<<<<<<', 'T123456787UTO8002147F3001019198002141234<<14'];
const TYPED = { surname: 'Testsson', givenNames: 'Eva Linnea', birthDate: '1980-02-14' };
const POLICY = mergeVerdicts([]).ruleSets;

function rulesOf(name: 'loa2' | 'loa3', changes: Partial<RuleSet> = {}): RuleSet {
  const rules = POLICY.get(name);
  if (!rules) throw new Error(`kortd brings ${name}`);
  return { ...rules, ...changes };
}

function scanOf(changes: { readonly [K in keyof Scan]?: Scan[K] | undefined } = {}): Scan {
  const mrz: Scan['mrz'] = { lines: [...LINES], source: 'optical', checkDigits: [], corrections: [], verdict: 'passed' };
  return {
    ...{ schema: 'kortd.scan/1', id: 'scan-1', startedAt: '', endedAt: '', outcome: 'complete' },
    origin: { scanner: 'bench', driver: 'bench', simulated: true },
    mrz,
    fields: [],
    images: [],
    checks: [{ id: 'optical.uv-dull', group: 'optical', light: 'uv', verdict: 'passed' }],
    comparisons: [],
    defects: [],
    verdict: { overall: 'passed', mrz: 'passed', optical: 'passed', electronic: 'passed', combined: 'passed', reasons: [] },
    warnings: [],
    ...changes,
  } as Scan;
}

const CHIP_CHECKS = [
  'electronic.read.dg1',
  'electronic.chipAuthentication',
  'electronic.passive.signature',
  'electronic.passive.chain',
  'electronic.passive.validity',
  'electronic.passive.country',
  'electronic.passive.hash.dg1',
  'electronic.passive.hash.dg2',
];

function chipOf({ lines = LINES, country = 'UT', failing = '' } = {}): ChipReading {
  const checks = CHIP_CHECKS.map((id) => electronicCheck(id, id === failing ? 'told_failed' : 'told_passed'));
  return { checks, mrz: parseMrz(lines.join('\n')), signerCountry: country };
}

function entry(check: ManualEntry['check'], verdict: ManualEntry['verdict'] = 'passed', cardSerial?: string): ManualEntry {
  return { check, verdict, at: NOW.toISOString(), by: { caller: 'test', ...(cardSerial === undefined ? {} : { cardSerial }) } };
}

const SEEN = [entry('manual.person'), entry('manual.condition'), entry('manual.uv')];

interface Settings {
  readonly rules?: RuleSet;
  readonly manual?: readonly ManualEntry[];
  readonly now?: Date;
  readonly matches?: readonly ListMatch[];
}

function verdictOn(
  input: DocumentInput,
  { rules = rulesOf('loa2'), manual = SEEN, now = NOW, matches }: Settings = {},
): Judgement {
  return judge({ ...examine(input, { rules, now, findOnLists: () => matches }), manual }, rules);
}

function reasonAt(judgement: Judgement, id: string): string | undefined {
  return judgement.checks.find((check) => check.id === id)?.reason;
}

const GOOD: DocumentInput = { typed: TYPED, scan: scanOf(), chip: chipOf() };

describe('a document about which everything agrees', () => {
  it.each(['loa2', 'loa3'] as const)('passes by %s', (name) => {
    expect(verdictOn(GOOD, { rules: rulesOf(name) })).toMatchObject({ overall: 'passed', machine: 'passed', reasons: [] });
  });

  it('has a reason and both languages at every check, and no word of the person', () => {
    for (const { reason, text } of verdictOn(GOOD).checks) {
      expect(reason).toMatch(/^[a-zA-Z_]+$/);
      expect(text.en.length * text.sv.length).toBeGreaterThan(0);
      expect(JSON.stringify(text)).not.toMatch(/testsson|linnea|1980|T12345678/i);
    }
  });

  it('may have å, ä and ö, a name that was cut off, and a birth date in a personal number', () => {
    const name = 'P<SWEAAKERSTROEM<<AASA<AELVA<OEZLEM<MARIA<ELISAB';
    const lines = [name.slice(0, 44), LINES[1] ?? ''];
    const typed = { surname: 'Åkerström', givenNames: 'Åsa Älva Özlem Maria Elisabeth', personalNumber: '198002141235' };
    const judgement = verdictOn({ typed, lines });
    expect(reasonAt(judgement, 'combined.typed.mrz.surname')).toBe('agree_truncated');
    expect(reasonAt(judgement, 'combined.typed.mrz.birthDate')).toBe('agree');
  });
});

describe('what is wrong is found', () => {
  const changed = (at: number, character: string): readonly string[] => {
    const [first = '', second = ''] = LINES;
    return [first, second.slice(0, at) + character + second.slice(at + 1)];
  };
  const cases: readonly (readonly [string, DocumentInput, string, string, Settings])[] = (
    [
      [
        'a changed birth date',
        { ...GOOD, scan: undefined, lines: changed(14, '9') },
        'mrz.digits.mrz.birthDate',
        'digit_differs',
      ],
      ['a zone of one line', { ...GOOD, scan: undefined, lines: ['P<UTO'] }, 'mrz.read.mrz', 'zone_invalid'],
      ['another surname typed', { ...GOOD, typed: { ...TYPED, surname: 'Karlsson' } }, 'combined.typed.mrz.surname', 'differ'],
      [
        'another birth date typed',
        { ...GOOD, typed: { ...TYPED, birthDate: '1981-02-14' } },
        'combined.typed.chip.birthDate',
        'differ',
      ],
      [
        'another person in the chip',
        {
          ...GOOD,
          chip: chipOf({
            lines: ['P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<', 'L898902C36UTO7408122F1204159ZE184226B<<<<<10'],
          }),
        },
        'combined.chip.mrz.surname',
        'differ',
      ],
      ['another country that signed', { ...GOOD, chip: chipOf({ country: 'SE' }) }, 'combined.country.chip', 'country_differs'],
      [
        'a copied chip',
        { ...GOOD, chip: chipOf({ failing: 'electronic.chipAuthentication' }) },
        'electronic.genuine',
        'chip_not_genuine_told',
      ],
      [
        'a changed file in the chip',
        { ...GOOD, chip: chipOf({ failing: 'electronic.passive.hash.dg2' }) },
        'electronic.passive.hash.dg2',
        'told_failed',
      ],
      [
        'a check under UV light',
        { ...GOOD, scan: scanOf({ checks: [{ id: 'optical.uv', group: 'optical', light: 'uv', verdict: 'failed' }] }) },
        'optical.uv.uv-0',
        'told_failed',
      ],
      [
        'a face that is another',
        { ...GOOD, scan: scanOf({ comparisons: [{ a: 'portrait', b: 'chip.dg2', verdict: 'failed' }] }) },
        'combined.portrait.0',
        'told_failed',
      ],
      ['a document that has expired', GOOD, 'combined.expiry.mrz', 'expired', { now: new Date('2030-01-02T00:00:00Z') }],
      ['a document on a list', GOOD, 'combined.lists.stolen', 'on_list', { matches: [{ list: 'stolen', outcome: 'on_list' }] }],
      [
        'a holder who is too young',
        GOOD,
        'combined.age.mrz.birthDate',
        'too_young',
        { rules: rulesOf('loa3', { minimumAge: 47 }) },
      ],
    ] satisfies (readonly [string, DocumentInput, string, string, Settings?])[]
  ).map(([name, input, id, reason, settings = {}]) => [name, input, id, reason, settings]);

  it.each(cases)('%s', (_, input, id, reason, settings) => {
    const judgement = verdictOn(input, settings);
    expect(reasonAt(judgement, id)).toBe(reason);
    expect(judgement.overall).toBe('failed');
    expect(judgement.reasons).toContain(id);
  });

  it.each(cases)('%s, and no manual check makes it right', (_, input, __, ___, settings) => {
    const manual = MANUAL_CHECKS.flatMap((check) => [entry(check, 'passed', '1'), entry(check, 'passed', '2')]);
    const rules = settings.rules ?? rulesOf('loa2');
    const settles = ['combined', 'mrz', 'optical', 'electronic'].map((check) => ({ check, by: [...MANUAL_CHECKS], persons: 2 }));
    expect(verdictOn(input, { ...settings, manual, rules: { ...rules, settles } }).overall).toBe('failed');
  });
});

describe('check digits', () => {
  it('are counted by kortd, whatever the scanner says of them', () => {
    const lines = [LINES[0] ?? '', (LINES[1] ?? '').replace('T123456787', 'T123456786')];
    const scan = scanOf({
      mrz: { lines, source: 'optical', checkDigits: [], corrections: [], verdict: 'passed' },
      checks: [{ id: 'mrz.vendor', group: 'mrz', verdict: 'passed' }],
    });
    const judgement = verdictOn({ ...GOOD, scan });
    expect(judgement.overall).toBe('failed');
    expect(reasonAt(judgement, 'mrz.digits.mrz.documentNumber')).toBe('digit_differs');
    expect(reasonAt(judgement, 'mrz.vendor')).toBe('vendor_differs');
  });

  it('prove what a camera misread, and the repair is shown; a driver’s own is undone first', () => {
    const read = (LINES[1] ?? '').replace('8002147F', '8OO2147F');
    const { corrections, checks } = examine(
      { lines: [LINES[0] ?? '', read] },
      { rules: rulesOf('loa2'), now: NOW, findOnLists: () => undefined },
    );
    expect(corrections).toMatchObject([
      { source: 'mrz', repair: { from: 'O', to: '0', position: 44 + 14 } },
      { source: 'mrz', repair: { from: 'O', to: '0', position: 44 + 15 } },
    ]);
    expect(checks.find(({ id }) => id === 'mrz.repair.mrz')?.reason).toBe('zone_repaired');
    const forged = scanOf({
      mrz: {
        lines: [...LINES],
        source: 'optical',
        checkDigits: [],
        verdict: 'passed',
        corrections: [{ line: 2, position: 15, read: '9', used: '0' }],
      },
    });
    expect(verdictOn({ ...GOOD, scan: forged }).overall).toBe('failed');
  });
});

describe('what is not known does not pass', () => {
  const noChip: DocumentInput = { typed: TYPED, scan: scanOf() };
  it.each<[string, DocumentInput, Settings, string]>([
    ['without anything typed', { scan: scanOf() }, {}, 'notPerformed'],
    ['without a zone', { typed: TYPED, scan: scanOf({ mrz: undefined }) }, {}, 'notPerformed'],
    ['without the operator’s look', GOOD, { manual: [] }, 'notPerformed'],
    ['without a chip that must be', noChip, { rules: rulesOf('loa3', { requiresChip: 'always' }) }, 'notPerformed'],
    [
      'with a chip that was told of, and not read',
      { typed: TYPED, scan: scanOf({ document: { chipExpected: true } }) },
      { rules: rulesOf('loa3') },
      'notPerformed',
    ],
    ['with a scan that is not complete', { ...GOOD, scan: scanOf({ outcome: 'partial' }) }, {}, 'undetermined'],
    ['with a scan that was broken off', { ...GOOD, scan: scanOf({ outcome: 'aborted' }) }, {}, 'aborted'],
    [
      'with a list that cannot be read',
      GOOD,
      { rules: rulesOf('loa2', { mandatory: ['combined.lists'] }), matches: [{ list: 'stolen', outcome: 'lists_unread' }] },
      'undetermined',
    ],
    ['with no lists where they are wanted', GOOD, { rules: rulesOf('loa2', { mandatory: ['combined.lists'] }) }, 'notPerformed'],
    [
      'with a name typed in part',
      { ...GOOD, typed: { ...TYPED, givenNames: 'Eva' } },
      { rules: rulesOf('loa2', { settles: [] }) },
      'undetermined',
    ],
  ])('%s', (_, input, settings, overall) => {
    expect(verdictOn(input, settings).overall).toBe(overall);
  });

  it('with a failure that a genuine document may have it is undetermined, not failed', () => {
    const scan = scanOf({ checks: [{ id: 'optical.uv', group: 'optical', light: 'uv', verdict: 'failed', critical: false }] });
    const rules = rulesOf('loa2', { mandatory: ['optical.uv'] });
    expect(verdictOn({ ...GOOD, scan }, { rules }).overall).toBe('undetermined');
  });
});

describe('ages', () => {
  const aged = (facts: object, now: string, minimumAge = 18) => {
    const rules = rulesOf('loa3', { minimumAge });
    const { checks } = examine({ typed: facts }, { rules, now: new Date(now), findOnLists: () => undefined });
    return checks.filter(({ id }) => covers('combined.age', id)).map(({ reason }) => reason);
  };

  it.each([
    ['the day before', '2026-03-01T12:00:00Z', 'too_young'],
    ['the last minute before midnight in Sweden', '2026-03-01T22:59:00Z', 'too_young'],
    ['the first minute of the birthday in Sweden', '2026-03-01T23:00:00Z', 'old_enough'],
    ['the birthday', '2026-03-02T12:00:00Z', 'old_enough'],
  ])('are counted in the calendar of Sweden: %s', (_, now, reason) => {
    expect(aged({ birthDate: '2008-03-02' }, now)).toEqual([reason]);
    expect(aged({ birthDate: '2011-03-02' }, now, 15)).toEqual([reason]);
  });

  it.each([
    ['2008', 'age_unknown'],
    ['2008-03', 'age_unknown'],
    ['2007', 'old_enough'],
    ['2009', 'too_young'],
    ['2027-01-01', 'born_later'],
    ['2008-13-01', 'age_unknown'],
    ['0803<<', 'age_unknown'],
  ])('of somebody born %s are %s', (birthDate, reason) => {
    expect(aged({ birthDate }, '2026-03-02T12:00:00Z')).toEqual([reason]);
  });

  it.each([
    ['198002141235', '2018-01-01', 'old_enough'],
    ['200001612381', '2017-12-31', 'too_young'],
    ['200001612381', '2018-01-01', 'old_enough'],
    ['200000602383', '2018-06-01', 'age_unknown'],
    ['200000602383', '2019-06-01', 'old_enough'],
    ['nonsense', '2018-01-01', 'age_unknown'],
  ])('are taken from a personal or coordination number: %s on %s', (personalNumber, day, reason) => {
    expect(aged({ personalNumber }, `${day}T12:00:00Z`)).toEqual([reason]);
  });

  it('of somebody born on the 29th of February come on the 28th where there is none', () => {
    expect(aged({ birthDate: '2008-02-29' }, '2026-02-27T12:00:00Z')).toEqual(['too_young']);
    expect(aged({ birthDate: '2008-02-29' }, '2026-02-28T12:00:00Z')).toEqual(['old_enough']);
  });
});

describe('an operator', () => {
  const inPart = { ...GOOD, typed: { ...TYPED, givenNames: 'Eva' } };

  it('settles what the machine cannot tell, where the rules say so', () => {
    const judgement = verdictOn(inPart);
    expect(judgement).toMatchObject({ overall: 'passed', machine: 'undetermined' });
    expect(judgement.requirements).toContainEqual({ anyOf: ['combined.typed'], verdict: 'passed', settledBy: ['manual.person'] });
  });

  it('does not alone where the rules want two persons, each with a card', () => {
    const rules = rulesOf('loa3');
    const others = [entry('manual.condition'), entry('manual.uv')];
    const seenBy = (...serials: readonly string[]) => serials.map((serial) => entry('manual.person', 'passed', serial));
    expect(verdictOn(inPart, { rules, manual: [...others, ...seenBy('1', '1')] }).overall).toBe('undetermined');
    expect(verdictOn(inPart, { rules, manual: [...others, ...seenBy('1', '2')] }).overall).toBe('passed');
  });

  it('who found something wrong is not overruled', () => {
    const manual = [...SEEN, entry('manual.uv', 'failed'), entry('manual.uv', 'passed')];
    expect(verdictOn(GOOD, { manual }).overall).toBe('failed');
  });

  it('who could not tell may look again', () => {
    expect(verdictOn(GOOD, { manual: [entry('manual.person', 'undetermined'), ...SEEN] }).overall).toBe('passed');
  });
});

/** Numbers that look drawn, the same in each run (mulberry32). */
function drawing(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

describe('of 4,000 documents put together at random', () => {
  const drawn = drawing(20_260_302);
  const one = <T>(...choices: readonly [T, ...T[]]): T => choices[drawn(choices.length)] ?? choices[0];
  const text = (): string =>
    Array.from({ length: drawn(50) }, () => one('<', 'A', '0', 'å', '\n', 'Ö', '-', '\u0000', '9', '𝒳', "'")).join('');
  const maybe = <T>(make: () => T): T | undefined => (drawn(3) === 0 ? undefined : make());
  const lines = (): readonly string[] =>
    one<() => readonly string[]>(
      () => LINES,
      () => [text(), text()],
      () => LINES.map((line) => line.replace(one('8', '0', 'T', '<'), one('9', 'O', 'X'))),
    )();
  const facts = () =>
    one<object>(
      TYPED,
      { surname: text(), givenNames: text(), birthDate: text().slice(0, 10) },
      { ...TYPED, expiryDate: one('300101', '2030-01-01', '9') },
      { personalNumber: text(), documentNumber: text(), issuer: text() },
    );
  const scan = (): Scan =>
    scanOf({
      outcome: one('complete', 'partial', 'aborted'),
      mrz: maybe(() => ({
        lines: [...lines()],
        source: one('optical', 'chip', 'typed'),
        checkDigits: [],
        corrections: [],
        verdict: one(...VERDICTS),
      })),
      checks: Array.from({ length: drawn(4) }, () => ({
        id: `optical.${text()}`,
        group: one('optical', 'mrz', 'electronic', 'combined', 'service', 'quality'),
        light: one('uv', 'ir', 'white', 'unknown'),
        verdict: one(...VERDICTS),
        critical: one(true, false),
      })),
      comparisons: Array.from({ length: drawn(2) }, () => ({ a: one('portrait', 'mrz'), b: text(), verdict: one(...VERDICTS) })),
      fields: Array.from({ length: drawn(4) }, () => ({
        name: one('surname', 'birthDate', 'number', 'toString'),
        values: [{ source: one('viz', 'chip', 'barcode'), value: text() }],
      })),
      chip: maybe(() => ({
        present: one(...VERDICTS),
        passive: { verdict: one(...VERDICTS), chain: one(...VERDICTS) },
        active: one(...VERDICTS),
      })),
    });
  const inputs = Array.from({ length: 4_000 }, () => {
    const chip = maybe(() => chipOf({ failing: one('', '', ...CHIP_CHECKS), country: one('UT', 'SE', '') }));
    const input: DocumentInput = { typed: maybe(facts), lines: maybe(lines), scan: maybe(scan), chip };
    const manual = Array.from({ length: drawn(8) }, () =>
      entry(one(...MANUAL_CHECKS), one('passed', ...MANUAL_VERDICTS), one('1', '2')),
    );
    const rules = rulesOf(one('loa2', 'loa3'), {
      settles: one([], [{ check: 'combined', by: ['manual.person'], persons: 1 }]),
      requiresChip: one('always', 'expected', 'never'),
    });
    return {
      input: drawn(3) === 0 ? { ...GOOD, chip: input.chip } : input,
      manual: drawn(2) === 0 ? [...SEEN, ...manual] : manual,
      rules,
    };
  });
  const outcomes = inputs.map(({ input, manual, rules }) => ({ judgement: verdictOn(input, { manual, rules }), rules, manual }));

  it('some pass, and some do not, and none throws', () => {
    const words = new Set(outcomes.map(({ judgement }) => judgement.overall));
    expect([...words]).toEqual(expect.arrayContaining(['passed', 'failed', 'undetermined', 'notPerformed']));
  });

  it('none passes with a check that failed, or with one missing that must pass', () => {
    for (const { judgement, rules } of outcomes.filter(({ judgement: { overall } }) => overall === 'passed')) {
      expect(judgement.checks.filter(({ verdict }) => verdict === 'failed')).toEqual([]);
      for (const name of rules.mandatory) {
        const own = judgement.checks.filter(({ id }) => covers(name, id));
        expect(own.length).toBeGreaterThan(0);
        for (const { id, verdict } of own)
          expect(
            verdict === 'passed' || (verdict === 'undetermined' && rules.settles.some(({ check }) => covers(check, id))),
          ).toBe(true);
      }
      expect(judgement.reasons).toEqual([]);
    }
  });

  it('none that failed passes by what an operator adds', () => {
    const all = MANUAL_CHECKS.flatMap((check) => [entry(check, 'passed', '1'), entry(check, 'passed', '2')]);
    for (const [index, { input, manual, rules }] of inputs.entries())
      if (outcomes[index]?.judgement.overall === 'failed')
        expect(verdictOn(input, { manual: [...manual, ...all], rules }).overall).toBe('failed');
  });

  it('none passes whose machine checks failed, and each says why it does not pass', () => {
    for (const { judgement } of outcomes) {
      if (judgement.machine === 'failed') expect(judgement.overall).toBe('failed');
      if (judgement.overall !== 'passed') expect(judgement.reasons.length).toBeGreaterThan(0);
    }
  });
});
