/**
 * What goes wrong at the desk and beside it: certificates that are not the ones, cards and people that are not the ones, clocks, PINs, pages. Each time a clear error,
 * the journal whole, and the card as before; and then the ceremony goes on as if nothing had been.
 */
import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Ceremony } from '../../api-spec/issuance.ts';
import { createEidCard } from '../../drivers/simulated/cards/eid.ts';
import { INS, WatchedCard, cardKey, errorOf, resultOf } from '../api/support.ts';
import { contentOf, expectRefused, journalOf, openPage } from './disturbed.ts';
import {
  GIVEN,
  HOLDER,
  PINS,
  RESERVE_NUMBER,
  downloadReserveCard,
  issueAll,
  issueTo,
  openOffice,
  orderFields,
  orderReserveCard,
  stepOf,
  type IssueOptions,
  type Office,
} from './office.ts';

const inDays = (days: number): Date => new Date(Date.now() + days * 86_400_000);

/** Until certificates are waited for. */
async function request(office: Office): Promise<Ceremony> {
  const { ceremony } = await orderReserveCard(office);
  resultOf(await office.api.call('issuance.enrol', { ceremony, step: 'download', pin: PINS.legitimering }));
  return resultOf(await office.api.call('issuance.resume', { ceremony, ...GIVEN.underskrift }));
}

describe('certificates', () => {
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey;
  const all =
    (options: IssueOptions) =>
    (view: Ceremony): readonly string[] =>
      issueAll(view, 'download', options);
  const CASES: Readonly<Record<string, readonly [string, (view: Ceremony) => readonly string[]]>> = {
    'for another key': ['key_other', (view) => [...issueAll(view, 'download').slice(1), issueTo(other, 'authentication')]],
    'for another person': ['person_other', all({ hsaId: 'SE2321000016-BENCH4' })],
    'for another card': ['card_number_other', all({ cardNumber: '9752000000000000110' })],
    'of another level': ['assurance_level_missing', all({ policies: ['2.999.752.2'] })],
    'of no level': ['assurance_level_missing', all({ policies: [] })],
    'that have expired': ['expired', all({ validFrom: inDays(-20), validTo: inDays(-1) })],
    'that are not yet valid': ['not_yet_valid', all({ validFrom: inDays(1) })],
    'that are valid for longer than was ordered': ['too_long_valid', all({ validTo: inDays(400) })],
    'by an issuer that nobody trusts': ['untrusted', all({ isForged: true })],
    'with the usages swapped': ['usage_other', (view) => swapped(view)],
    'of which one is missing': ['missing', (view) => issueAll(view, 'download').slice(0, 1)],
    'of which there are two for a key': [
      'too_many',
      (view) => [...issueAll(view, 'download'), ...issueAll(view, 'download', { validTo: inDays(3) })],
    ],
  };

  it('that are not the ones are refused, each named with what is wrong, and none is written; the right ones are taken after', async () => {
    await using office = await openOffice();
    const { api } = office;
    const view = await request(office);
    const { ceremony } = view;
    for (const [, [problem, make]] of Object.entries(CASES)) {
      const certificates = [...make(view)];
      const call = () => api.call('issuance.writeCertificates', { ceremony, certificates, pin: PINS.legitimering });
      await expectRefused(office, ceremony, { call, code: 'certificates_refused', says: problem });
    }
    const nonsense = () => api.call('issuance.writeCertificates', { ceremony, certificates: ['MAA='], pin: PINS.legitimering });
    await expectRefused(office, ceremony, { call: nonsense, code: 'certificate_invalid' });
    const certificates = [...issueAll(view, 'download')];
    const written = resultOf(await api.call('issuance.writeCertificates', { ceremony, certificates, pin: PINS.legitimering }));
    expect(written).toMatchObject({ nextStep: 'receipt' });
  });
});

function swapped(view: Ceremony): readonly string[] {
  const keys = stepOf(view, 'download').job?.keys ?? [];
  const usages = new Map(keys.map(({ usage }, index) => [index, usage]));
  const [one, two] = [usages.get(1) ?? 'signature', usages.get(0) ?? 'authentication'];
  return issueAll(
    {
      ...view,
      steps: view.steps.map((step) =>
        step.job
          ? { ...step, job: { ...step.job, keys: keys.map((key, index) => ({ ...key, usage: index === 0 ? one : two })) } }
          : step,
      ),
    },
    'download',
  );
}

describe('people', () => {
  it('who may not take a step are told why, before any PIN', async () => {
    await using office = await openOffice();
    const { api } = office;
    const { ceremony } = resultOf(await api.call('issuance.start', { routine: 'reserve-card-loa3' }));
    resultOf(await api.call('issuance.record', { ceremony, step: 'order', fields: orderFields(new Date()) }));
    const sign = (step: string, role: string) => () =>
      api.call('issuance.sign', { ceremony, step, language: 'sv', card: { role }, pin: PINS.underskrift });
    await office.put(office.cards.cecilia, 'colleague');
    const none = await expectRefused(office, ceremony, { call: sign('ordered', 'colleague'), code: 'participant_refused' });
    expect(none.details).toEqual({ participant: 'operator', reason: 'not_administrator' });
    resultOf(await sign('ordered', 'operator')());
    const same = await expectRefused(office, ceremony, { call: sign('reviewed', 'operator'), code: 'participant_refused' });
    expect(same.details).toEqual({ participant: 'secondOperator', reason: 'same_person' });
    expect(office.cards.cecilia.count(INS.verify, 'with data')).toBe(0);
    resultOf(await sign('reviewed', 'secondOperator')());
  });

  it.each([
    ['the first administrator', 'operator', 'ordered', 'SE2321000016-BENCH1'],
    ['the second administrator', 'secondOperator', 'reviewed', 'SE2321000016-BENCH2'],
  ] as const)('an order for %s is not theirs to sign', async (_, participant, step, hsaId) => {
    await using office = await openOffice();
    const { api } = office;
    const { ceremony } = resultOf(await api.call('issuance.start', { routine: 'reserve-card-loa3' }));
    resultOf(await api.call('issuance.record', { ceremony, step: 'order', fields: { ...orderFields(new Date()), hsaId } }));
    const sign = (which: string) => api.call('issuance.sign', { ceremony, step: which, language: 'sv', pin: PINS.underskrift });
    if (step === 'reviewed') resultOf(await sign('ordered'));
    const { details } = await expectRefused(office, ceremony, { call: () => sign(step), code: 'participant_refused' });
    expect(details).toMatchObject({ participant });
  });
});

describe('cards', () => {
  it('the receipt is signed with no other card than the one that was ordered', async () => {
    await using office = await openOffice();
    const { ceremony } = await downloadReserveCard(office, await orderReserveCard(office));
    await office.put(office.cards.cecilia, 'holder');
    const params = { ceremony, step: 'receipt', language: 'sv', pin: PINS.underskrift } as const;
    const call = () => office.api.call('issuance.sign', params);
    await expectRefused(office, ceremony, { call, code: 'card_other', says: RESERVE_NUMBER });
    await office.put(office.cards.reserve, 'holder');
    expect(resultOf(await office.api.call('issuance.sign', params))).toMatchObject({ nextCall: 'issuance.confirm' });
  });

  it('another blank card put in between two steps stays blank, and the right one goes on in any reader', async () => {
    await using office = await openOffice();
    const { ceremony } = await orderReserveCard(office);
    resultOf(await office.api.call('issuance.enrol', { ceremony, step: 'download', pin: PINS.legitimering }));
    const blank = { profile: 'plain', cardNumber: '9752000000000000110', preparedKeys: 'P-256', pins: PINS } as const;
    const other = new WatchedCard(createEidCard(blank));
    await office.put(other, 'holder');
    const before = contentOf(other);
    const call = () => office.api.call('issuance.resume', { ceremony, ...GIVEN.underskrift });
    await expectRefused(office, ceremony, { call, code: 'card_other', says: RESERVE_NUMBER });
    expect(contentOf(other)).toEqual(before);
    expect(other.count(INS.verify, 'with data')).toBe(0);
    await office.put(office.cards.reserve, 'colleague');
    expect(resultOf(await call())).toMatchObject({ nextCall: 'issuance.writeCertificates' });
  });

  it('without a free place for a key are refused untouched', async () => {
    const pem = issueTo(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey, 'authentication');
    const certificate = pem.replaceAll(/-----[^-]+-----|\s/g, '');
    await using office = await openOffice({ reserve: { keys: { legitimering: cardKey('P-256', { certificate }) } } });
    const { ceremony } = await orderReserveCard(office);
    const call = () => office.api.call('issuance.enrol', { ceremony, step: 'download', pin: PINS.legitimering });
    await expectRefused(office, ceremony, { call, code: 'no_free_key_container', says: 'authentication' });
  });
});

describe('time', () => {
  it('an order that has expired puts nothing on a card, and can be cancelled', async () => {
    await using office = await openOffice();
    const { ceremony } = await orderReserveCard(office);
    office.clock.now = inDays(62);
    const call = () => office.api.call('issuance.enrol', { ceremony, step: 'download', pin: PINS.legitimering });
    await expectRefused(office, ceremony, { call, code: 'order_expired', says: orderFields(new Date())['validTo'] ?? '' });
    expect(resultOf(await office.api.call('issuance.cancel', { ceremony, reason: 'expired' }))).toMatchObject({
      state: 'cancelled',
    });
  });

  it('a clock that was set back stops the ceremony until it is right again', async () => {
    await using office = await openOffice();
    const { ceremony } = await orderReserveCard(office);
    const right = office.clock.now;
    office.clock.now = new Date(right.getTime() - 3_600_000);
    const call = () => office.api.call('issuance.enrol', { ceremony, step: 'download', pin: PINS.legitimering });
    await expectRefused(office, ceremony, { call, code: 'clock_set_back' });
    office.clock.now = right;
    expect(resultOf(await call())).toMatchObject({ nextCall: 'issuance.resume' });
  });
});

describe('PINs', () => {
  it('a wrong one costs a try and nothing else, and the last try is nobody’s by mistake', async () => {
    await using office = await openOffice();
    const { api } = office;
    const { ceremony } = await orderReserveCard(office);
    const enrol = (pin: string, allowLastTry = false) =>
      api.call('issuance.enrol', { ceremony, step: 'download', pin, allowLastTry });
    const begun = errorOf(await enrol('000000'));
    expect(begun).toMatchObject({ code: 'pin_rejected', details: { attemptsRemaining: 2 } });
    const wrong = () => api.call('issuance.resume', { ceremony, ...GIVEN.legitimering, pin: '000000' });
    await expectRefused(office, ceremony, { call: wrong, code: 'pin_rejected' });
    await expectRefused(office, ceremony, { call: wrong, code: 'pin_last_try' });
    await expectRefused(office, ceremony, { call: () => enrol('000000'), code: 'ceremony_step_order' });
    const params = { ceremony, ...GIVEN.legitimering, allowLastTry: true };
    expect(resultOf(await api.call('issuance.resume', params))).toMatchObject({ nextCall: 'issuance.resume' });
  });

  it('a call that comes twice spends no try of the next PIN: one that is brought along says which it is', async () => {
    await using office = await openOffice();
    const { api } = office;
    const { ceremony } = await orderReserveCard(office);
    resultOf(await api.call('issuance.enrol', { ceremony, step: 'download', pin: PINS.legitimering }));
    const tries = async (): Promise<unknown> => resultOf(await api.call('card.read', { card: { role: 'holder' } })).pins;
    const before = await tries();
    const unnamed = () => api.call('issuance.resume', { ceremony, pin: PINS.legitimering });
    await expectRefused(office, ceremony, { call: unnamed, code: 'invalid_params' });
    expect(errorOf(await unnamed()).details).toMatchObject({ problem: expect.stringMatching(/pinReference .* 82 /) as string });
    // Named, it is not the one that is wanted: nothing is done, and it is sent to nobody.
    expect(stepOf(resultOf(await api.call('issuance.resume', { ceremony, ...GIVEN.legitimering })), 'download').job?.phase).toBe(
      'making',
    );
    expect(await tries()).toEqual(before);
    const cancel = () => api.call('issuance.cancel', { ceremony, reason: 'twice', pin: PINS.legitimering });
    expect(resultOf(await cancel())).toMatchObject({ state: 'cancelled' });
  });

  it('a cancellation that comes twice spends none either', async () => {
    await using office = await openOffice();
    const { api } = office;
    const { ceremony } = await downloadReserveCard(office, await orderReserveCard(office));
    const cancel = { ceremony, reason: 'twice', pin: PINS.legitimering };
    expect(resultOf(await api.call('issuance.cancel', cancel))).toMatchObject({ nextCall: 'issuance.resume' });
    await expectRefused(office, ceremony, { call: () => api.call('issuance.cancel', cancel), code: 'invalid_params' });
    expect(resultOf(await api.call('issuance.cancel', { ...cancel, ...GIVEN.underskrift })).state).toBe('cancelled');
  });

  it('a prompt that is cancelled leaves everything as it was, and can be had again', async () => {
    await using office = await openOffice();
    const { api, station } = office;
    const { ceremony } = resultOf(await api.call('issuance.start', { routine: 'reserve-card-loa3' }));
    resultOf(await api.call('issuance.record', { ceremony, step: 'order', fields: orderFields(new Date()) }));
    const sign = () => api.call('issuance.sign', { ceremony, step: 'ordered', language: 'sv' });
    const cancelled = async () => {
      const answer = sign();
      station.answer((await station.prompt()).id, 'cancelled');
      return await answer;
    };
    await expectRefused(office, ceremony, { call: cancelled, code: 'pin_cancelled' });
    const signed = sign();
    station.type((await station.prompt()).id, { pin: PINS.underskrift });
    expect(resultOf(await signed)).toMatchObject({ nextStep: 'reviewed' });
  });
});

describe('calls', () => {
  it('two at once on one ceremony: one is told to wait, and the work is done once', async () => {
    await using office = await openOffice();
    const { ceremony } = await orderReserveCard(office);
    const enrol = () => office.api.call('issuance.enrol', { ceremony, step: 'download', pin: PINS.legitimering });
    const answers = await Promise.all([enrol(), enrol(), enrol()]);
    const codes = answers.map((answer) => ('error' in answer ? answer.error.code : 'ok'));
    expect(codes.filter((code) => code === 'ok')).toHaveLength(1);
    // One that came when the first had ended is told that its turn is over: its PIN goes to no other key.
    for (const code of codes) expect(['ok', 'ceremony_busy', 'ceremony_step_order']).toContain(code);
    expect(
      journalOf(office, ceremony).filter(({ entry }) => entry.type === 'step.card' && entry.entry.type === 'job.begun'),
    ).toHaveLength(1);
  });

  it.each([
    ['a field that no step has', { toString: 'x' }, /toString/],
    ['control characters', { holderName: 'Anna\u0000Lind' }, /control/],
    ['text that turns the direction of others', { holderName: 'Anna \u202e1234' }, /direction/],
    ['half a character', { holderName: 'Anna \ud83d' }, /character/],
    ['a text that is too long', { holderName: 'A'.repeat(121) }, /120/],
    ['a day that there is not', { validTo: '2027-02-30' }, /date/],
    ['a date in the past', { validTo: '2020-01-01' }, /before/],
    ['a personal number with a wrong check digit', { personalNumber: '198112189877' }, /personalNumber/],
    ['a coordination number, which this routine does not take', { personalNumber: '198112789874' }, /coordination|check digit/],
    ['digits of another script', { cardNumber: '٩٧٥٢٠٠٠٠٠٠٠٠٠٠٠٠١٠٢' }, /cardNumber/],
    ['a choice of the prototype', { documentKind: 'constructor' }, /choices/],
  ])('fields with %s are refused', async (_, changes, says) => {
    await using office = await openOffice({ isEmpty: true });
    const { ceremony } = resultOf(await office.api.call('issuance.start', { routine: 'reserve-card-loa3' }));
    const fields = { ...orderFields(new Date()), ...changes };
    const call = () => office.api.call('issuance.record', { ceremony, step: 'order', fields });
    const { message } = await expectRefused(office, ceremony, { call, code: 'fields_invalid' });
    expect(message).toMatch(says);
  });

  it.each([
    ['too long for any field', { holderName: 'A'.repeat(2_001) }],
    ['too many', Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`field${index}`, 'x']))],
    ['of names that none has', { __proto__x: 'x' }],
  ])('fields that are %s never reach the ceremony', async (_, fields) => {
    await using office = await openOffice({ isEmpty: true });
    const { ceremony } = resultOf(await office.api.call('issuance.start', { routine: 'reserve-card-loa3' }));
    const call = () => office.api.call('issuance.record', { ceremony, step: 'order', fields });
    await expectRefused(office, ceremony, { call, code: 'invalid_params' });
  });

  it('what looks like a placeholder stays the text that it is', async () => {
    await using office = await openOffice({ isEmpty: true });
    const { ceremony } = resultOf(await office.api.call('issuance.start', { routine: 'reserve-card-loa3' }));
    const fields = { ...orderFields(new Date()), holderName: '{order.validTo} $& Öberg' };
    const view = resultOf(await office.api.call('issuance.record', { ceremony, step: 'order', fields }));
    const { statement } = stepOf(view, 'ordered');
    expect(JSON.stringify(statement)).toContain('{order.validTo} $& Öberg');
  });
});

describe('a web page', () => {
  const ORIGIN = 'https://cards.example';
  const policy = (...scopes: string[]) => ({ origins: [{ origin: ORIGIN, scopes }] });

  it('without the scope for it neither sees nor touches a ceremony with protected personal data', async () => {
    await using office = await openOffice({ policy: policy('issuance') });
    const { ceremony } = resultOf(await office.api.call('issuance.start', { routine: 'reserve-card-loa3', isProtected: true }));
    const page = await openPage(office.bench, ORIGIN, ['issuance']);
    for (const [path, more] of [
      ['get', {}],
      ['cancel', { reason: 'mine' }],
      ['record', { step: 'order', fields: orderFields(new Date()) }],
      ['resume', {}],
      ['confirm', {}],
    ] as const)
      await expectRefused(office, ceremony, {
        call: () => page(`/v1/issuance/${path}`, { ceremony, ...more }),
        code: 'ceremony_unknown',
      });
    expect(resultOf(await page('/v1/issuance/list', {}))).toEqual({ ceremonies: [] });
    expect(resultOf(await page('/v1/issuance/list', { search: 'Öberg' }))).toEqual({ ceremonies: [] });
    const call = () => page('/v1/issuance/start', { routine: 'renewal', isProtected: true });
    expect(errorOf(await call())).toMatchObject({ code: 'scope_missing' });
  });

  it('has no authentication key sign a statement', async () => {
    await using office = await openOffice({ policy: policy('issuance') });
    const { ceremony } = resultOf(await office.api.call('issuance.start', { routine: 'reserve-card-loa3' }));
    resultOf(await office.api.call('issuance.record', { ceremony, step: 'order', fields: orderFields(new Date()) }));
    const page = await openPage(office.bench, ORIGIN, ['issuance']);
    const params = { ceremony, step: 'ordered', language: 'sv', keyReference: '45' };
    await expectRefused(office, ceremony, { call: () => page('/v1/issuance/sign', params), code: 'key_not_for_web' });
  });

  it('hands over no PIN', async () => {
    await using office = await openOffice({ policy: policy('issuance') });
    const { ceremony } = await orderReserveCard(office);
    const page = await openPage(office.bench, ORIGIN, ['issuance']);
    const params = { ceremony, step: 'download', pin: PINS.legitimering };
    await expectRefused(office, ceremony, { call: () => page('/v1/issuance/enrol', params), code: 'scope_missing' });
  });
});

it('a name of the holder that the certificates do not have matters not; the numbers do', async () => {
  await using office = await openOffice();
  const view = await request(office);
  const certificates = [...issueAll(view, 'download', { name: `${HOLDER.name} af Test` })];
  const { ceremony } = view;
  resultOf(await office.api.call('issuance.writeCertificates', { ceremony, certificates, pin: PINS.legitimering }));
});
