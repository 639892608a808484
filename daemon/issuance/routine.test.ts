import { readFileSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RoutineError, fillIn, parseRoutine } from './routine.ts';

const FOLDER = join(import.meta.dirname, 'routines');
const files = readdirSync(FOLDER);

function read(file: string): unknown {
  return JSON.parse(readFileSync(join(FOLDER, file), 'utf8'));
}

/** The LoA3 routine as an object to spoil. */
function spoilt(change: (routine: Spoilable) => void): () => unknown {
  const routine = read('reserve-card-loa3.json') as Spoilable;
  change(routine);
  return () => parseRoutine(routine);
}

interface Spoilable {
  steps: Record<string, unknown>[];
  participants: Record<string, Record<string, unknown>>;
}

const TITLE = { en: 'A step', sv: 'Ett steg' };
const READ = { id: 'extra', kind: 'readCard', by: 'holder', title: TITLE };
const PICTURE = {
  ...{ id: 'picture', kind: 'attach', title: TITLE, numbers: ['order.hsaId'], types: ['png'], maxBytes: 1_000 },
};

describe('the routines', () => {
  it.each(files)('%s is one, and its name is its file’s', (file) => {
    expect(parseRoutine(read(file)).id).toBe(basename(file, '.json'));
  });
});

describe('a routine is refused', () => {
  it.each([
    ['with an unknown kind of step', spoilt(({ steps }) => (steps[0] = { ...steps[0], kind: 'dance' })), /steps\/0/],
    ['with a step that comes twice', spoilt(({ steps }) => steps.push({ ...steps[0] })), /two steps are called order/],
    [
      'whose time runs from a later step',
      spoilt(({ steps }) => steps.unshift({ ...steps[5], id: 'early' })),
      /download, which is no earlier step/,
    ],
    [
      'that waits for itself',
      spoilt(({ steps }) => (steps[5] = { ...steps[5], within: { minutes: 1, after: 'receipt', late: { report: 'x' } } })),
      /receipt, which is no earlier step/,
    ],
    [
      'that undoes what changes no card',
      spoilt(
        ({ steps }) => (steps[5] = { ...steps[5], within: { minutes: 1, after: 'order', late: { undo: 'order', report: 'x' } } }),
      ),
      /no earlier step that can be undone/,
    ],
    [
      'with a step of nobody',
      spoilt(({ steps }) => (steps[1] = { ...steps[1], by: 'constructor' })),
      /constructor takes no part/,
    ],
    [
      'whose text leads nowhere',
      spoilt(({ steps }) => (steps[1] = { ...steps[1], statement: { en: '{order.colour}', sv: '-' } })),
      /order\.colour leads to nothing/,
    ],
    [
      'whose text leads forward',
      spoilt(({ steps }) => (steps[1] = { ...steps[1], statement: { en: '{reviewed.name}', sv: '-' } })),
      /reviewed\.name leads to nothing/,
    ],
    [
      'whose text has a time that would be another one at each look',
      spoilt(({ steps }) => (steps[1] = { ...steps[1], statement: { en: '{ceremony.now}', sv: '-' } })),
      /ceremony\.now leads to nothing: of the ceremony itself there are ceremony\.id and ceremony\.startedAt/,
    ],
    [
      'that compares a participant with themselves',
      spoilt(({ participants }) => (participants['holder'] = { ...participants['holder'], notSamePersonAs: ['holder'] })),
      /compared with holder/,
    ],
    ['with an unknown field', spoilt(({ steps }) => (steps[0] = { ...steps[0], colour: 'red' })), /steps\/0/],
    [
      'that reads a card by a number of nobody',
      spoilt(({ steps }) => steps.push({ ...READ, cardNumber: 'order.colour' })),
      /order\.colour leads to nothing/,
    ],
    [
      'that reads the card of a holder who is named later',
      spoilt(({ steps }) => steps.unshift({ ...READ, holder: { hsaId: 'order.hsaId' } })),
      /order\.hsaId leads to nothing/,
    ],
    [
      'that proves the PIN of a card that is read later',
      spoilt(({ steps }) => steps.unshift({ ...READ, kind: 'verifyPin', cardNumber: 'download.cardNumber' })),
      /download\.cardNumber leads to nothing/,
    ],
    [
      'that unblocks a PIN of nobody’s card',
      spoilt(({ steps }) => steps.push({ ...READ, kind: 'unblockPin', by: 'nobody' })),
      /nobody takes no part/,
    ],
    [
      'that removes certificates from no card',
      spoilt(({ steps }) => steps.push({ ...READ, kind: 'removeCertificates' })),
      /steps\/6/,
    ],
    [
      'that stores a picture with a number that nothing tells',
      spoilt(({ steps }) => steps.push({ ...PICTURE, numbers: ['order.shoeSize'] })),
      /order\.shoeSize leads to nothing/,
    ],
    ['that stores a film', spoilt(({ steps }) => steps.push({ ...PICTURE, types: ['mp4'] })), /steps\/6/],
    [
      'that undoes a picture',
      spoilt(({ steps }) => {
        const within = { minutes: 1, after: 'picture', late: { undo: 'picture', report: 'x' } };
        steps.push(PICTURE, { ...READ, within });
      }),
      /no earlier step that can be undone/,
    ],
    [
      'that takes a card out that nothing names',
      spoilt(({ steps }) => (steps[1] = { ...steps[1], withoutCard: 'card.cardNumber' })),
      /card\.cardNumber leads to nothing/,
    ],
    [
      'with a participant who is compared with whom no record names',
      spoilt(({ participants }) => (participants['operator'] = { ...participants['operator'], notNamedBy: 'ordered' })),
      /ordered names, which records nothing/,
    ],
    [
      'that wants one of fields that there are not',
      spoilt(({ steps }) => (steps[0] = { ...steps[0], oneOf: [['personalNumber'], ['shoeSize']] })),
      /personalNumber, of oneOf, is no optional field/,
    ],
    [
      'that is for nobody who is registered by passport, and asks for that passport',
      spoilt(({ steps }) => (steps[3] = { ...steps[3], fields: { number: { kind: 'passportNumber', title: TITLE } } })),
      /number is of a holder for whom the routine is not/,
    ],
    [
      'with nothing to choose from',
      spoilt(({ steps }) => (steps[3] = { ...steps[3], fields: { way: { kind: 'choice', title: TITLE } } })),
      /way has nothing to choose from/,
    ],
    ...(['[ by {order.hsaId}', ' by {order.hsaId}]', '[ by hand]', '[ by [{order.hsaId}]]'] as const).map(
      (part): [string, () => unknown, RegExp] => [
        `with brackets that stand around nothing to fill in: ${part}`,
        spoilt(({ steps }) => (steps[1] = { ...steps[1], statement: { en: `I order${part}.`, sv: '-' } })),
        /brackets in a text/,
      ],
    ),
    [
      'with a document that nobody signs',
      spoilt(({ steps }) => (steps[0] = { ...steps[0], document: TITLE })),
      /step order: it has a document, and no field for the signature on it/,
    ],
    [
      'with a document that leads nowhere',
      spoilt(({ steps }) => (steps[3] = { ...steps[3], document: { en: '{order.colour}', sv: '-' } })),
      /order\.colour leads to nothing/,
    ],
    [
      'with a document that tells what is filled in beside it',
      spoilt(({ steps }) => (steps[3] = { ...steps[3], document: { en: '{terms.accepted}', sv: '-' } })),
      /step terms: its document tells what is filled in beside it/,
    ],
    ['that is none', () => parseRoutine('routine'), /reading a routine/],
  ])('%s', (_, parse, problem) => {
    expect(parse).toThrow(RoutineError);
    expect(parse).toThrow(problem);
  });
});

it('a text shows the first that was filled in', () => {
  expect(fillIn('{a.b|a.c}, {a.c|a.b}, {a.d|a.e}', (path) => ({ 'a.b': 'one', 'a.c': undefined })[path])).toBe('one, one, –');
});

it('a text shows what was left out as a dash', () => {
  expect(fillIn('{a.b} and {a.c}', (path) => (path === 'a.b' ? 'one' : undefined))).toBe('one and –');
});

it('a part of a text in brackets is left out when nothing in it was filled in, and what is filled in may have brackets', () => {
  const values: Readonly<Record<string, string>> = { 'a.b': '[one]' };
  const text = 'Seen[ by {a.c}][ at {a.b}, {a.c}][, {a.c|a.b}].';
  expect(fillIn(text, (path) => values[path])).toBe('Seen at [one], –, [one].');
});

it('whoever notes an identity document may give the verdict about it, and what is signed afterwards tells its hash', () => {
  const routines = files.map((file) => parseRoutine(read(file)));
  const noting = routines.flatMap(({ id, steps }) =>
    steps.flatMap((step, at) => {
      if (step.kind !== 'record' || !Object.hasOwn(step.fields, 'documentNumber')) return [];
      const signed = steps.slice(at + 1).find(({ kind }) => kind === 'sign');
      const texts = signed?.kind === 'sign' ? Object.values(signed.statement) : [];
      return [{ id, step: step.id, verdict: step.fields['verdict'], texts }];
    }),
  );
  expect(noting.map(({ id }) => id)).toEqual([
    'ordinary-card-handed-out',
    'puk-ordered',
    'puk-used',
    'reserve-card-loa2-deliverer',
    'reserve-card-loa2-foreign-document',
    'reserve-card-loa2-on-site',
    'reserve-card-loa3',
  ]);
  for (const { step, verdict, texts } of noting) {
    expect(verdict).toMatchObject({ kind: 'documentVerdict', optional: true, documentNumber: `${step}.documentNumber` });
    expect(verdict?.personalNumber).toMatch(/^(order|card)\.personalNumber$/u);
    expect(texts).toHaveLength(2);
    for (const text of texts) expect(text).toMatch(new RegExp(`\\[[^\\]]*\\{${step}\\.verdictSha256\\}[^\\]]*\\]`, 'u'));
  }
});

it('a signature on a pad can take the place of one on paper, and it is on a text of the ceremony', () => {
  const taking = files
    .map((file) => parseRoutine(read(file)))
    .flatMap(({ id, steps }) =>
      steps.flatMap((step) =>
        step.kind === 'record' && step.document && step.fields['padSignature']?.optional === true ? [`${id} ${step.id}`] : [],
      ),
    );
  expect(taking).toEqual([
    'kiosk consent',
    'reserve-card-loa2-deliverer receipt',
    'reserve-card-loa2-deliverer terms',
    'reserve-card-loa2-foreign-document receipt',
    'reserve-card-loa2-foreign-document terms',
    'reserve-card-loa2-on-site receipt',
    'reserve-card-loa2-on-site terms',
    'reserve-card-loa2-registered-post receipt',
    'reserve-card-loa2-registered-post terms',
    'reserve-card-loa3 terms',
    'reserve-card-vouched receipt',
  ]);
});
