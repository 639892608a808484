/** A ceremony whose certificates kortd fetches itself, over the API: what is issued is kept, checked, and written. */
import { rm } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Ceremony } from '../../../api-spec/issuance.ts';
import { loadScenario } from '../../../drivers/simulated/scenario.ts';
import { serveTestAuthority } from '../../../drivers/simulated/authority/server.ts';
import { errorOf, resultOf, type Answer } from '../../api/support.ts';
import { GIVEN, PINS, issue, openOffice, orderReserveCard, stepOf, type IssueOptions, type Office } from '../office.ts';
import { createAuthorityDesk, type AuthorityDesk } from './desk.ts';
import { startEstServer, type EstServer, type EstServerOptions } from './est-server.ts';

const PASSWORD = 'desk-7:correct horse';
let desk: AuthorityDesk;
let credentials: string;
beforeAll(async () => {
  desk = await createAuthorityDesk();
  credentials = await desk.secretFile('credentials', PASSWORD);
});
afterAll(() => desk[Symbol.asyncDispose]());

/** By the extension that the request asks for: nonRepudiation is the second bit (RFC 5280, section 4.2.1.3). */
function usageOf(request: string): 'authentication' | 'signature' {
  const der = Buffer.from(request.replaceAll(/-----[A-Z ]+-----/g, ''), 'base64').toString('hex');
  return /0603551d0f(?:0101ff)?040403020640/.test(der) ? 'signature' : 'authentication';
}

const issueBy =
  (options: IssueOptions = {}) =>
  (request: string): string =>
    issue(request, usageOf(request), options);

function startServer(options: Partial<EstServerOptions> = {}): Promise<EstServer> {
  return startEstServer({ pki: desk.pki, password: PASSWORD, issueBy: issueBy(), ...options });
}

const enrolments = ({ asked }: EstServer): number => asked.filter((path) => path.endsWith('/simpleenroll')).length;

interface Waiting extends AsyncDisposable {
  readonly office: Office;
  readonly ceremony: string;
  /** With the PIN that changes the card. */
  request(authority?: string): Promise<Answer<Ceremony>>;
}

/** A card whose keys are made, and which waits for its certificates. */
async function openWaiting(url: string, more: object = { credentials }): Promise<Waiting> {
  await using undo = new AsyncDisposableStack();
  const authorities = [{ name: 'office', protocol: 'est', url, timeoutMs: 5_000, ...more }];
  const office = undo.use(await openOffice({ policy: { issuance: { authorities } } }));
  const { ceremony } = await orderReserveCard(office);
  resultOf(await office.api.call('issuance.enrol', { ceremony, step: 'download', pin: PINS.legitimering }));
  resultOf(await office.api.call('issuance.resume', { ceremony, ...GIVEN.underskrift }));
  const resources = undo.move();
  return {
    ...{ office, ceremony },
    request: (authority = 'office') =>
      office.api.call('issuance.requestCertificates', { ceremony, authority, pin: PINS.legitimering }),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

function phaseOf(ceremony: Ceremony): string | undefined {
  return stepOf(ceremony, 'download').job?.phase;
}

describe('certificates of an authority that the policy names', () => {
  test('are fetched, checked and written, and the ceremony goes on to its end', async () => {
    await using ca = await startServer();
    await using waiting = await openWaiting(ca.url);
    const { ceremony, office } = waiting;
    const { authorities } = resultOf(await office.api.call('issuance.listAuthorities', {}));
    expect(authorities).toEqual([{ name: 'office', protocol: 'est' }]);
    const written = resultOf(await waiting.request());
    expect(phaseOf(written)).toBe('finished');
    expect(stepOf(written, 'download').job?.keys.map(({ isWritten }) => isWritten)).toEqual([true, true]);
    expect(enrolments(ca)).toBe(2);
    const sign = { ceremony, step: 'receipt', language: 'sv', pin: PINS.underskrift } as const;
    resultOf(await office.api.call('issuance.sign', sign));
    expect(resultOf(await office.api.call('issuance.confirm', { ceremony }))).toMatchObject({ state: 'finished', reports: [] });
  });

  test('come from the authority of the simulated desk', async () => {
    await using undo = new AsyncDisposableStack();
    const scenario = await loadScenario('office');
    undo.defer(() => scenario.dispose());
    const ca = undo.use(await serveTestAuthority({ scenario, port: 0 }));
    await using waiting = await openWaiting(ca.url, { label: 'reserve-30' });
    expect(phaseOf(resultOf(await waiting.request()))).toBe('finished');
  });

  test('are kept when a later one fails, and only the rest is asked for again', async () => {
    let count = 0;
    const fail = { isOn: true };
    await using ca = await startServer({
      issueBy: (request) => {
        if (++count === 2 && fail.isOn) throw new Error('the authority is down');
        return issueBy()(request);
      },
    });
    await using waiting = await openWaiting(ca.url);
    expect(errorOf(await waiting.request())).toMatchObject({ code: 'authority_unreachable' });
    expect(enrolments(ca)).toBe(2);
    fail.isOn = false;
    expect(phaseOf(resultOf(await waiting.request()))).toBe('finished');
    expect(enrolments(ca)).toBe(3);
  });

  test('are to be revoked, and are asked for anew, when they are not those that were ordered', async () => {
    const options = { hsaId: 'SE2321000016-BENCH9' };
    let current: IssueOptions = options;
    await using ca = await startServer({ issueBy: (request) => issueBy(current)(request) });
    await using waiting = await openWaiting(ca.url);
    const error = errorOf(await waiting.request());
    expect(error).toMatchObject({ code: 'certificates_refused' });
    expect(error.details?.['problem']).toMatch(/person_other/);
    const refused = resultOf(await waiting.office.api.call('issuance.get', { ceremony: waiting.ceremony }));
    expect(refused).toMatchObject({ reports: ['revocation'], nextCall: 'issuance.writeCertificates' });
    current = {};
    expect(phaseOf(resultOf(await waiting.request()))).toBe('finished');
    expect(enrolments(ca)).toBe(4);
  });

  test('are to be revoked when the ceremony is cancelled before they were written', async () => {
    let count = 0;
    await using ca = await startServer({ issueBy: (request) => (++count === 1 ? issueBy()(request) : '') });
    await using waiting = await openWaiting(ca.url);
    errorOf(await waiting.request());
    const { ceremony, office } = waiting;
    const cancel = { ceremony, reason: 'The authority is down', isCardLost: true };
    // Of the second nobody knows what was issued: the answer held nothing that can be read.
    expect(resultOf(await office.api.call('issuance.cancel', cancel))).toMatchObject({
      state: 'cancelled',
      reports: ['revocation', 'certificateUnaccounted'],
    });
  });

  test('are not asked for when the card does not wait for any', async () => {
    await using ca = await startServer();
    await using waiting = await openWaiting(ca.url);
    resultOf(await waiting.request());
    expect(errorOf(await waiting.request())).toMatchObject({ code: 'ceremony_step_order' });
    expect(enrolments(ca)).toBe(2);
  });
});

describe('a certificate that an authority may have issued, and that never came,', () => {
  const breaks = (response: ServerResponse): void => void response.destroy();

  /** In the state that asking `ca` left. */
  async function cancelled(ca: EstServer, code: string): Promise<Ceremony> {
    await using waiting = await openWaiting(ca.url);
    expect(errorOf(await waiting.request())).toMatchObject({ code });
    const { ceremony, office } = waiting;
    const cancel = { ceremony, reason: 'The authority is down', isCardLost: true };
    return resultOf(await office.api.call('issuance.cancel', cancel));
  }

  test.each<readonly [string, string, Partial<EstServerOptions>, readonly string[]]>([
    ['when its answer was lost', 'authority_unreachable', { refuses: breaks }, ['certificateUnaccounted']],
    ['when it would have come later', 'authority_waits', { waits: { times: 1, retryAfter: '600' } }, ['certificateUnaccounted']],
    ['not when it was refused', 'authority_refused', { refuses: (response) => void response.writeHead(403).end() }, []],
  ])('is reported with a ceremony that is cancelled: %s', async (_, code, options, reports) => {
    await using ca = await startServer(options);
    expect(await cancelled(ca, code)).toMatchObject({ state: 'cancelled', reports });
  });

  test('is not thought of where the authority was never reached', async () => {
    const ca = await startServer();
    await ca[Symbol.asyncDispose]();
    expect(await cancelled(ca, 'authority_unreachable')).toMatchObject({ state: 'cancelled', reports: [] });
  });

  test('is reported when the request is sent anew', async () => {
    let count = 0;
    await using ca = await startServer({
      issueBy: (request) => {
        if (++count === 1) throw new Error('the authority fails when it has issued');
        return issueBy()(request);
      },
    });
    await using waiting = await openWaiting(ca.url);
    expect(errorOf(await waiting.request())).toMatchObject({ code: 'authority_unreachable' });
    const done = resultOf(await waiting.request());
    expect(phaseOf(done)).toBe('finished');
    expect(done.reports).toEqual(['certificateUnaccounted']);
  });

  test('is reported when the certificates come another way', async () => {
    await using ca = await startServer({ refuses: breaks });
    await using waiting = await openWaiting(ca.url);
    expect(errorOf(await waiting.request())).toMatchObject({ code: 'authority_unreachable' });
    const { ceremony, office } = waiting;
    const view = resultOf(await office.api.call('issuance.get', { ceremony }));
    expect(view.reports).toEqual([]);
    const keys = stepOf(view, 'download').job?.keys ?? [];
    const certificates = keys.map(({ request = '', usage }) => issue(request, usage));
    const write = { ceremony, certificates, pin: PINS.legitimering };
    const done = resultOf(await office.api.call('issuance.writeCertificates', write));
    expect(phaseOf(done)).toBe('finished');
    expect(done.reports).toEqual(['certificateUnaccounted']);
  });

  test('is not thought of when an authority was waited for as it wanted', async () => {
    await using ca = await startServer({ waits: { times: 1, retryAfter: '600' } });
    await using waiting = await openWaiting(ca.url);
    expect(errorOf(await waiting.request())).toMatchObject({ code: 'authority_waits' });
    const done = resultOf(await waiting.request());
    expect(phaseOf(done)).toBe('finished');
    expect(done.reports).toEqual([]);
  });
});

describe('nothing is written, and the card goes on waiting,', () => {
  const html = (response: ServerResponse): void => void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>');

  test.each<readonly [string, string, Partial<EstServerOptions>, RegExp]>([
    ['refuses', 'authority_refused', { refuses: (response) => void response.writeHead(403).end() }, /\(403\)/],
    ['answers nonsense', 'authority_answer_invalid', { refuses: html }, /text\/html/],
    ['is not done', 'authority_waits', { waits: { times: 1, retryAfter: '600' } }, /600000 ms/],
  ])('when the authority %s', async (_, code, options, text) => {
    await using ca = await startServer(options);
    await using waiting = await openWaiting(ca.url);
    const error = errorOf(await waiting.request());
    expect(error).toMatchObject({ code, en: expect.stringMatching(text) as string, sv: expect.stringMatching(text) as string });
    const { api } = waiting.office;
    expect(phaseOf(resultOf(await api.call('issuance.get', { ceremony: waiting.ceremony })))).toBe('waiting');
  });

  test('when the authority is not there, is not named, or its password is not', async () => {
    const file = await desk.secretFile('gone', PASSWORD);
    const ca = await startServer();
    await using waiting = await openWaiting(ca.url, { credentials: file });
    expect(errorOf(await waiting.request('other'))).toMatchObject({ code: 'authority_unknown' });
    await ca[Symbol.asyncDispose]();
    expect(errorOf(await waiting.request())).toMatchObject({ code: 'authority_unreachable' });
    await rm(file);
    expect(errorOf(await waiting.request())).toMatchObject({ code: 'authority_misconfigured' });
    expect(errorOf(await waiting.request('No such name'))).toMatchObject({ code: 'invalid_params' });
  });
});
