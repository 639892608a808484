/** Ceremonies with protected personal data: for administrators with that role alone, and nothing personal where others look. */
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { errorOf, http, outcomeOf, resultOf } from '../api/support.ts';
import { HOLDER, PINS, downloadReserveCard, openOffice, orderFields, type Office } from './office.ts';

const PAGE = 'https://card-office.example';
const PERSONAL = [
  HOLDER.name,
  'Cecilia',
  'Öberg',
  HOLDER.personalNumber,
  HOLDER.hsaId,
  'BENCH3',
  orderFields(new Date())['documentNumber'] ?? '',
];
const ADMINISTRATORS = {
  administrators: [
    { hsaId: 'SE2321000016-BENCH1', protectedPersons: true },
    { hsaId: 'SE2321000016-BENCH2', protectedPersons: true },
  ],
};

/** Asks as a page that the policy lets work on issuance, but not on that of protected persons. */
async function openPage({ bench }: Office): Promise<(method: string, params: object) => Promise<string>> {
  const headers = { host: `127.0.0.1:${bench.port}`, origin: PAGE, 'content-type': 'application/json' };
  const post = (path: string, body: object, more: object = {}) =>
    http({ port: bench.port, method: 'POST', path, headers: { ...headers, ...more }, body: JSON.stringify(body) });
  const asked = await post('/v1/access/request', { scopes: ['issuance'], reason: 'to test' });
  const { token } = JSON.parse(asked.text) as { token: string };
  return async (path, body) => (await post(`/v1/issuance/${path}`, body, { authorization: `Bearer ${token}` })).text;
}

/** From the order to the confirmed card. */
async function issueProtected(office: Office): Promise<string> {
  const { api, clock } = office;
  const { ceremony } = resultOf(await api.call('issuance.start', { routine: 'reserve-card-loa3', isProtected: true }));
  const order = { ceremony, step: 'order', fields: orderFields(clock.now) };
  resultOf(await api.call('issuance.record', order));
  const sign = { ceremony, language: 'sv', pin: PINS.underskrift } as const;
  resultOf(await api.call('issuance.sign', { ...sign, step: 'ordered' }));
  resultOf(await api.call('issuance.sign', { ...sign, step: 'reviewed' }));
  const accepted = resultOf(await api.call('issuance.record', { ceremony, step: 'terms', fields: { accepted: 'yes' } }));
  await downloadReserveCard(office, accepted);
  resultOf(await api.call('issuance.sign', { ...sign, step: 'receipt' }));
  expect(resultOf(await api.call('issuance.confirm', { ceremony })).state).toBe('finished');
  return ceremony;
}

describe('a ceremony with protected personal data', () => {
  it('is unknown to a caller without that right, who cannot begin one either', async () => {
    await using office = await openOffice({ policy: { origins: [{ origin: PAGE, scopes: ['issuance'] }] } });
    const page = await openPage(office);
    const { ceremony } = resultOf(await office.api.call('issuance.start', { routine: 'kiosk', isProtected: true }));
    const { ceremony: open } = resultOf(await office.api.call('issuance.start', { routine: 'kiosk' }));
    const calls: readonly (readonly [string, object])[] = [
      ['get', {}],
      ['readcard', { step: 'card' }],
      ['record', { step: 'consent', fields: {} }],
      ['sign', { step: 'x', language: 'sv' }],
      ['enrol', { step: 'x' }],
      ['attach', { step: 'picture', picture: { data: '' } }],
      ['verifypin', { step: 'pin' }],
      ['unblock', { step: 'x' }],
      ['remove', { step: 'x', fingerprints: ['A'.repeat(64)] }],
      ['certificates', { certificates: [] }],
      ['resume', {}],
      ['confirm', {}],
      ['cancel', { reason: 'x' }],
    ];
    for (const [path, params] of calls) expect(await page(path, { ceremony, ...params }), path).toContain('"ceremony_unknown"');
    expect(await page('start', { routine: 'kiosk', isProtected: true })).toContain('"scope_missing"');
    const listed = await page('list', {});
    expect(listed).toContain(open);
    expect(listed).not.toContain(ceremony);
  });

  it('is for administrators with that additional role alone', async () => {
    const [anna, bjorn] = ADMINISTRATORS.administrators;
    const issuance = { administrators: [{ ...anna, protectedPersons: false }, bjorn] };
    await using office = await openOffice({ policy: { issuance }, administrators: [] });
    const { api, clock } = office;
    const begin = async (isProtected: boolean): Promise<string> => {
      const { ceremony } = resultOf(await api.call('issuance.start', { routine: 'reserve-card-loa3', isProtected }));
      resultOf(await api.call('issuance.record', { ceremony, step: 'order', fields: orderFields(clock.now) }));
      return ceremony;
    };
    const sign = { step: 'ordered', language: 'sv', pin: PINS.underskrift } as const;
    const error = errorOf(await api.call('issuance.sign', { ceremony: await begin(true), ...sign }));
    expect(error).toMatchObject({ code: 'participant_refused', details: { reason: 'not_administrator' } });
    expect(outcomeOf(await api.call('issuance.sign', { ceremony: await begin(false), ...sign }))).toBe('ok');
    const bySecond = { ceremony: await begin(true), ...sign, card: { role: 'secondOperator' } } as const;
    expect(outcomeOf(await api.call('issuance.sign', bySecond))).toBe('ok');
  });

  it('leaves nothing personal in events, log, audit, lists and what is searched', async () => {
    const lines: string[] = [];
    const log = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) });
    const policy = { origins: [{ origin: PAGE, scopes: ['issuance'] }], issuance: ADMINISTRATORS };
    await using office = await openOffice({ log, policy, administrators: [] });
    const { api, bench } = office;
    const page = await openPage(office);
    const events = await bench.socket();
    resultOf(await events.call('event.subscribe', { events: ['issuance.changed'] }));
    const ceremony = await issueProtected(office);
    // What goes wrong is told of too.
    const wrong = await api.call('issuance.start', { routine: 'reserve-card-loa3', isProtected: true });
    const spoilt = { ...orderFields(office.clock.now), validTo: '2001-01-01' };
    expect(
      outcomeOf(await api.call('issuance.record', { ceremony: resultOf(wrong).ceremony, step: 'order', fields: spoilt })),
    ).toBe('fields_invalid');
    const told = JSON.stringify(events.messages);
    expect(told).toContain(ceremony);
    expect(lines.length).toBeGreaterThan(0);
    const audit = JSON.stringify(resultOf(await api.call('audit.list', { limit: 500 })));
    expect(audit).toContain('issuance.confirm');
    const list = JSON.stringify(resultOf(await api.call('issuance.list', {})));
    expect(list).toContain(ceremony);
    for (const personal of PERSONAL)
      for (const [where, text] of Object.entries({ told, log: lines.join(''), audit, list }))
        expect(text.includes(personal), `${personal} in ${where}`).toBe(false);
    for (const search of ['Cecilia', 'öberg', HOLDER.personalNumber, HOLDER.hsaId, '9752000000000000102']) {
      expect(resultOf(await api.call('issuance.list', { search })).ceremonies).toEqual([]);
      expect(await page('list', { search })).toContain('"ceremonies":[]');
    }
  });
});
