/** What was found of a document, and signed on a pad, taken up by a ceremony by its id: in the statement that is signed, and whole in the evidence. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { errorOf, resultOf } from '../api/support.ts';
import { runTool } from '../support/run-tool.ts';
import { startRoutine } from './cards.ts';
import { GIVEN, PINS, issueAll, orderFields, stepOf } from './office.ts';
import { evidenceFiles, judge, openWithRules, signOnPad } from './proof-support.ts';

const LOA2 = { authority: 'BENCH e-id Person HSA-id 2 CA v1', policies: ['2.999.752.2'] };
const sha256 = (text: string | Uint8Array): string => createHash('sha256').update(text).digest('hex');

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
    const padSignature = await signOnPad(office, 'Kvittens');
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
      document: { sha256: sha256('Kvittens') },
    });
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
});
