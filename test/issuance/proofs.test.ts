/** What was found of a document, and signed on a pad, taken up by a ceremony by its id: in the statement that is signed, and whole in the evidence. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Ceremony } from '../../api-spec/issuance.ts';
import { errorOf, resultOf } from '../api/support.ts';
import { runTool } from '../support/run-tool.ts';
import { startRoutine } from './cards.ts';
import { GIVEN, HOLDER, PINS, issueAll, orderFields, stepOf, type Office } from './office.ts';
import { captureOnPad, evidenceFiles, judge, openPage, openWithRules, signOnPad, textToSign } from './proof-support.ts';

const LOA2 = { authority: 'BENCH e-id Person HSA-id 2 CA v1', policies: ['2.999.752.2'] };
const sha256 = (text: string | Uint8Array): string => createHash('sha256').update(text).digest('hex');

/** The order, by both administrators. */
async function signBoth({ api }: Office, ceremony: string): Promise<Ceremony> {
  const sign = { ceremony, language: 'en', pin: PINS.underskrift } as const;
  resultOf(await api.call('issuance.sign', { ...sign, step: 'ordered' }));
  return resultOf(await api.call('issuance.sign', { ...sign, step: 'reviewed' }));
}

describe('evidence of other parts of kortd', () => {
  it('goes into the statement by its SHA-256, and into the container byte for byte', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'kortd-proofs-'));
    using undo = new DisposableStack();
    undo.defer(() => rmSync(folder, { recursive: true, force: true }));
    await using office = await openWithRules();
    const { api, clock, bench } = office;
    const fields = orderFields(clock.now);
    const verdict = await judge(office, fields['documentNumber'] ?? '');
    const { json, sha256: digest } = resultOf(await api.call('document.evidence', { verdict }));
    const { ceremony } = await startRoutine(office, 'reserve-card-loa2-on-site');
    const ordered = resultOf(await api.call('issuance.record', { ceremony, step: 'order', fields: { ...fields, verdict } }));
    expect(stepOf(ordered, 'order').facts).toMatchObject({ verdict, verdictSha256: digest });
    const sign = { ceremony, step: 'handedOut', language: 'en', pin: PINS.underskrift } as const;
    expect(stepOf(resultOf(await api.call('issuance.sign', sign)), 'handedOut').statement).toContain(digest);
    const receiptText = textToSign(resultOf(await api.call('issuance.get', { ceremony })), 'receipt', 'sv');
    const padSignature = await signOnPad(office, receiptText);
    const receipt = { signedOn: clock.now.toISOString().slice(0, 10), archiveReference: 'Binder 3', padSignature };
    resultOf(await api.call('issuance.record', { ceremony, step: 'receipt', fields: receipt }));
    resultOf(await api.call('issuance.record', { ceremony, step: 'terms', fields: { accepted: 'yes' } }));
    resultOf(await api.call('issuance.enrol', { ceremony, step: 'download', pin: PINS.legitimering }));
    const requested = resultOf(await api.call('issuance.resume', { ceremony, ...GIVEN.underskrift }));
    const certificates = [...issueAll(requested, 'download', { now: clock.now, ...LOA2 })];
    resultOf(await api.call('issuance.writeCertificates', { ceremony, certificates, pin: PINS.legitimering }));
    expect(resultOf(await api.call('issuance.confirm', { ceremony })).state).toBe('finished');
    const files = await evidenceFiles(office, ceremony);
    expect(Buffer.from(files.get('recorded/order-verdict.json') ?? []).toString('utf8')).toBe(json);
    expect(JSON.parse(json)).toMatchObject({ verdict, overall: 'passed' });
    const statement = files.get('recorded/receipt-padSignature.json') ?? new Uint8Array();
    expect(JSON.parse(Buffer.from(statement).toString('utf8'))).toMatchObject({
      capture: padSignature,
      document: { sha256: sha256(receiptText) },
    });
    expect(files.get('recorded/receipt-padSignature.txt')?.toString('utf8')).toBe(receiptText);
    writeFileSync(join(folder, 'statement'), statement);
    writeFileSync(join(folder, 'seal'), files.get('recorded/receipt-padSignature.p7s') ?? '');
    const input = ['-inform', 'DER', '-in', join(folder, 'seal'), '-content', join(folder, 'statement')];
    const trust = ['-CAfile', join(bench.dataFolder, 'seal-certificate.pem'), '-partial_chain', '-purpose', 'any'];
    await runTool('openssl', ['cms', '-verify', '-binary', ...input, ...trust, '-out', join(folder, 'out')]);
    expect(readFileSync(join(folder, 'out'))).toEqual(Buffer.from(statement));
  });

  it('is refused when it does not pass, is about another document, or is nobody’s', async () => {
    await using office = await openWithRules();
    const { api, clock } = office;
    const fields = orderFields(clock.now);
    const { ceremony } = await startRoutine(office, 'reserve-card-loa2-on-site');
    const refused = async (verdict: string): Promise<string> => {
      const error = errorOf(await api.call('issuance.record', { ceremony, step: 'order', fields: { ...fields, verdict } }));
      expect(error.code).toBe('fields_invalid');
      return error.message;
    };
    expect(await refused(await judge(office, fields['documentNumber'] ?? '', { isSeen: false }))).toContain(
      'verdict is notPerformed',
    );
    expect(await refused(await judge(office, 'OTHER1'))).toContain('about a document with another number');
    expect(await refused('verdict-00000000-0000-4000-8000-000000000000')).toContain('names nothing that this caller has');
    expect(await refused(await signOnPad(office, 'x'))).toContain('names nothing that this caller has');
    resultOf(await api.call('issuance.record', { ceremony, step: 'order', fields }));
  });

  it('is refused to another web page than the one that had it made, and to programs', async () => {
    const [one, other] = ['https://one.example', 'https://other.example'];
    const scopes = ['issuance', 'document.verify', 'pad'];
    await using office = await openWithRules({ origins: [one, other].map((origin) => ({ origin, scopes })) });
    const fields = orderFields(office.clock.now);
    await using first = await openPage(office, one, scopes);
    await using second = await openPage(office, other, scopes);
    const verdict = await judge(office, fields['documentNumber'] ?? '', { api: first });
    const { ceremony } = await startRoutine(office, 'reserve-card-loa3');
    const record = { ceremony, step: 'order', fields: { ...fields, verdict } };
    for (const caller of [second, office.api])
      expect(errorOf(await caller.call('issuance.record', record)).message).toContain(
        'verdict: it names nothing that this caller',
      );
    resultOf(await first.call('issuance.record', record));
    await signBoth(office, ceremony);
    const text = textToSign(resultOf(await first.call('issuance.get', { ceremony })), 'terms', 'en');
    const padSignature = await signOnPad(office, text, { api: first });
    const accept = { ceremony, step: 'terms', fields: { accepted: 'yes', padSignature } };
    for (const caller of [second, office.api])
      expect(errorOf(await caller.call('issuance.record', accept)).message).toContain('padSignature: it names nothing that this');
    resultOf(await first.call('issuance.record', accept));
  });
});

describe('a verdict', () => {
  it.each([
    ['of another person', '191212121212', undefined, 'another personal identity number'],
    ['of another person, in ten digits', '121212-1212', undefined, 'another personal identity number'],
    [
      'of another person, of a foreign document with their Swedish number',
      '19121212-1212',
      'EST',
      'another personal identity number',
    ],
    ['of the same person', HOLDER.personalNumber, undefined, undefined],
    ['of the same person, in ten digits', '811218-9876', 'SWE', undefined],
    ['of a foreign document with a number of its own', '8112189876', 'BGR', undefined],
    ['of a foreign document with another number of its own', '1212121212', 'BGR', undefined],
    ['that states no number', undefined, undefined, undefined],
  ])('%s: taken only for an order about the same person', async (_, personalNumber, issuer, problem) => {
    await using office = await openWithRules();
    const { api, clock } = office;
    const fields = orderFields(clock.now);
    const stated = { ...(personalNumber === undefined ? {} : { personalNumber }), ...(issuer === undefined ? {} : { issuer }) };
    const verdict = await judge(office, fields['documentNumber'] ?? '', { stated });
    const { ceremony } = await startRoutine(office, 'reserve-card-loa3');
    const answer = await api.call('issuance.record', { ceremony, step: 'order', fields: { ...fields, verdict } });
    if (problem === undefined) expect(stepOf(resultOf(answer), 'order').facts).toMatchObject({ verdict });
    else {
      expect(errorOf(answer)).toMatchObject({ code: 'fields_invalid', message: expect.stringContaining(problem) as string });
      resultOf(await api.call('issuance.record', { ceremony, step: 'order', fields }));
    }
  });
});

describe('a signature on the pad', () => {
  /** As far as the terms. */
  async function order(office: Office): Promise<Ceremony> {
    const { ceremony } = await startRoutine(office, 'reserve-card-loa3');
    resultOf(await office.api.call('issuance.record', { ceremony, step: 'order', fields: orderFields(office.clock.now) }));
    return await signBoth(office, ceremony);
  }
  const accept = async (
    { api }: Office,
    { ceremony }: Ceremony,
    padSignature: string,
  ): ReturnType<typeof api.call<'issuance.record'>> =>
    await api.call('issuance.record', { ceremony, step: 'terms', fields: { accepted: 'yes', padSignature } });

  it('is on the text that the ceremony gives with its SHA-256, in either language, by bytes or by hash', async () => {
    await using office = await openWithRules();
    for (const [seed, language] of [
      [1, 'en'],
      [2, 'sv'],
    ] as const) {
      const ordered = await order(office);
      const { document } = stepOf(ordered, 'terms');
      const { text, sha256: digest } = document?.[language] ?? { text: '', sha256: '' };
      expect(text).toContain(HOLDER.name);
      expect(sha256(text)).toBe(digest);
      const value = Buffer.from(digest, 'hex').toString('base64');
      const content =
        seed === 1 ? { digest: { hash: 'sha256' as const, value } } : { data: Buffer.from(text).toString('base64') };
      const padSignature = await captureOnPad(office, { content, text }, { seed });
      expect(stepOf(resultOf(await accept(office, ordered, padSignature)), 'terms')).toMatchObject({ state: 'done' });
    }
  });

  it('on anything else is refused, and told what was signed and what is expected', async () => {
    await using office = await openWithRules();
    const ordered = await order(office);
    const { document } = stepOf(ordered, 'terms');
    const wrong = `${document?.en.text ?? ''} `;
    const error = errorOf(await accept(office, ordered, await signOnPad(office, wrong)));
    expect(error.code).toBe('fields_invalid');
    for (const part of ['padSignature: it is on another document', sha256(wrong), document?.en.sha256, document?.sv.sha256])
      expect(error.message).toContain(part);
    const right = await signOnPad(office, document?.sv.text ?? '', { seed: 2 });
    resultOf(await accept(office, ordered, right));
  });

  it('counts in one ceremony, once, and not before it was recorded', async () => {
    await using office = await openWithRules();
    const [one, other] = [await order(office), await order(office)];
    // Two orders for one person and card: one text.
    const text = textToSign(one, 'terms', 'en');
    expect(textToSign(other, 'terms', 'en')).toBe(text);
    const padSignature = await signOnPad(office, text);
    const incomplete = { ceremony: one.ceremony, step: 'terms', fields: { padSignature } };
    expect(errorOf(await office.api.call('issuance.record', incomplete)).message).toContain('accepted: it is missing');
    resultOf(await accept(office, one, padSignature));
    const error = errorOf(await accept(office, other, padSignature));
    expect(error).toMatchObject({ code: 'fields_invalid', message: expect.stringContaining(`in ${one.ceremony}`) as string });
    resultOf(await accept(office, other, await signOnPad(office, text, { seed: 2 })));
  });
});
