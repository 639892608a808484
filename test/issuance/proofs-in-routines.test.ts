/** Every routine in which a document is noted takes the verdict about it, and those with a receipt or an agreement on paper take a signature on the pad. */
import { describe, expect, it } from 'vitest';
import type { Ceremony } from '../../api-spec/issuance.ts';
import { resultOf } from '../api/support.ts';
import { DAY_MS, startRoutine } from './cards.ts';
import { PINS, downloadReserveCard, openOffice, orderFields, orderReserveCard, stepOf, type Office } from './office.ts';
import { evidenceFiles, judge, openWithRules, signOnPad, textToSign } from './proof-support.ts';

interface Noting {
  readonly routine: string;
  /** Where the document is noted, and what is signed about it. */
  readonly step: string;
  readonly signed: string;
  /** Steps before. */
  readonly begin: (office: Office, ceremony: string) => Promise<unknown>;
  /** Beside the document. */
  readonly fields: (office: Office) => Readonly<Record<string, string>>;
}

const DOCUMENT = ['documentKind', 'documentNumber', 'documentValidTo'];

/** Without the document. */
function order({ clock }: Office): Record<string, string> {
  return Object.fromEntries(Object.entries(orderFields(clock.now)).filter(([name]) => !DOCUMENT.includes(name)));
}

function documentOf({ clock }: Office): Record<string, string> {
  return Object.fromEntries(Object.entries(orderFields(clock.now)).filter(([name]) => DOCUMENT.includes(name)));
}

async function record(office: Office, ceremony: string, step: string, fields: Record<string, string>): Promise<Ceremony> {
  return resultOf(await office.api.call('issuance.record', { ceremony, step, fields }));
}

async function view({ api }: Office, ceremony: string): Promise<Ceremony> {
  return resultOf(await api.call('issuance.get', { ceremony }));
}

async function seat(office: Office): Promise<void> {
  office.take('holder');
  await office.put(office.cards.cecilia, 'holder');
}

const nothing = (): Promise<void> => Promise.resolve();
const readCard = ({ api }: Office, ceremony: string): Promise<unknown> =>
  api.call('issuance.readCard', { ceremony, step: 'card' }).then(resultOf);

const NOTING: readonly Noting[] = [
  { routine: 'reserve-card-loa3', step: 'order', signed: 'ordered', begin: nothing, fields: order },
  {
    ...{ routine: 'reserve-card-loa2-deliverer', step: 'delivery', signed: 'handedOut' },
    begin: (office, ceremony) => record(office, ceremony, 'order', { ...order(office), delivererName: 'Disa Bud' }),
    fields: ({ clock }) => ({ deliveredOn: new Date(clock.now.getTime() - DAY_MS).toISOString().slice(0, 10) }),
  },
  {
    ...{ routine: 'ordinary-card-handed-out', step: 'document', signed: 'handedOut' },
    begin: async (office, ceremony) => {
      await seat(office);
      const { validTo: _, ...ordered } = order(office);
      await record(office, ceremony, 'order', { ...ordered, orderNumber: 'B-1', cardNumber: '9752000000000000037' });
      await readCard(office, ceremony);
    },
    fields: () => ({}),
  },
  {
    ...{ routine: 'puk-ordered', step: 'order', signed: 'ordered', begin: nothing },
    fields: (office) => {
      const { validTo: _, ...ordered } = order(office);
      return { ...ordered, cardProduct: 'series7', sentTo: 'issuingOffice' };
    },
  },
];

/** As far as the statement about the document is signed. */
async function note(office: Office, noting: Noting, verdict?: string): Promise<Ceremony> {
  const { routine, step, signed } = noting;
  const { ceremony } = await startRoutine(office, routine);
  await noting.begin(office, ceremony);
  const given = verdict === undefined ? {} : { verdict };
  await record(office, ceremony, step, { ...noting.fields(office), ...documentOf(office), ...given });
  const sign = { ceremony, step: signed, language: 'en', pin: PINS.underskrift } as const;
  return resultOf(await office.api.call('issuance.sign', sign));
}

describe('the verdict about the document', () => {
  it.each(NOTING)('is told by its SHA-256 in what is signed: $routine', async (noting) => {
    await using office = await openWithRules();
    const { documentNumber = '' } = documentOf(office);
    const verdict = await judge(office, documentNumber);
    const { sha256 } = resultOf(await office.api.call('document.evidence', { verdict }));
    const noted = await note(office, noting, verdict);
    expect(stepOf(noted, noting.step).facts).toMatchObject({ verdict, verdictSha256: sha256 });
    expect(stepOf(noted, noting.signed).statement).toContain(` Verdict about the document, SHA-256 of its evidence: ${sha256}.`);
  });

  it.each(NOTING)('is not spoken of where there is none: $routine', async (noting) => {
    await using office = await openWithRules();
    const { statement } = stepOf(await note(office, noting), noting.signed);
    expect(statement).not.toMatch(/verdict|[[\]–]/iu);
  });

  it('of an ordered PUK is in the container byte for byte', async () => {
    await using office = await openWithRules();
    const { documentNumber = '' } = documentOf(office);
    const verdict = await judge(office, documentNumber);
    const { json } = resultOf(await office.api.call('document.evidence', { verdict }));
    const puk = NOTING.find(({ routine }) => routine === 'puk-ordered');
    if (!puk) throw new Error('the PUK is ordered by no routine');
    const { ceremony, state } = await note(office, puk, verdict);
    expect(state).toBe('finished');
    expect((await evidenceFiles(office, ceremony)).get('recorded/order-verdict.json')?.toString('utf8')).toBe(json);
  });
});

describe('a signature on the pad', () => {
  it('under the terms is told in the receipt of a reserve card at LoA3', async () => {
    await using office = await openOffice();
    const { api } = office;
    const { ceremony } = await startRoutine(office, 'reserve-card-loa3');
    await record(office, ceremony, 'order', { ...order(office), ...documentOf(office) });
    for (const step of ['ordered', 'reviewed'])
      resultOf(await api.call('issuance.sign', { ceremony, step, language: 'en', pin: PINS.underskrift }));
    const padSignature = await signOnPad(office, textToSign(await view(office, ceremony), 'terms', 'en'));
    const agreed = await record(office, ceremony, 'terms', { accepted: 'yes', padSignature });
    const { padSignatureSha256: digest = '' } = stepOf(agreed, 'terms').facts ?? {};
    expect(digest).toMatch(/^[0-9a-f]{64}$/u);
    await downloadReserveCard(office, agreed);
    const sign = { ceremony, step: 'receipt', language: 'sv', pin: PINS.underskrift } as const;
    const { statement } = stepOf(resultOf(await api.call('issuance.sign', sign)), 'receipt');
    expect(statement).toContain(`på en platta, SHA-256 för dess bevisning: ${digest}.`);
  });

  it('is not spoken of in the receipt where there is none', async () => {
    await using office = await openOffice();
    const { ceremony } = await downloadReserveCard(office, await orderReserveCard(office));
    const sign = { ceremony, step: 'receipt', language: 'en', pin: PINS.underskrift } as const;
    const { statement } = stepOf(resultOf(await office.api.call('issuance.sign', sign)), 'receipt');
    expect(statement).toMatch(/chosen its PINs myself\.$/u);
  });
});
