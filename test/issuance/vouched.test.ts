/** A reserve card vouched for by two colleagues: one text, two persons, one CMS that OpenSSL verifies by itself; and a watch on the paper receipt. */
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Journal } from '../../daemon/issuance/journal.ts';
import { ISSUANCE_JOURNAL_FILE } from '../../daemon/issuance/open-issuance.ts';
import { standardRoutines } from '../../daemon/issuance/routines.ts';
import { benchAuthorities } from '../../drivers/simulated/cards/eid.ts';
import { errorOf, outcomeOf, resultOf } from '../api/support.ts';
import { DAY_MS, startRoutine } from './cards.ts';
import { HOLDER, PINS, RESERVE_NUMBER, openOffice, stepOf, type Office } from './office.ts';

const FIRST = { step: 'vouched', language: 'sv', pin: PINS.underskrift, card: { role: 'operator' } } as const;
const SECOND = { step: 'vouchedAgain', language: 'en', pin: PINS.underskrift, card: { role: 'secondOperator' } } as const;
const PERSON = { holderName: HOLDER.name, personalNumber: HOLDER.personalNumber, hsaId: HOLDER.hsaId };

/** As far as the first colleague; the new card is read and taken out. */
async function begin(office: Office, person: Readonly<Record<string, string>> = PERSON): Promise<string> {
  const { api } = office;
  const { ceremony } = await startRoutine(office, 'reserve-card-vouched');
  resultOf(await api.call('issuance.readCard', { ceremony, step: 'card' }));
  resultOf(await api.call('issuance.record', { ceremony, step: 'person', fields: person }));
  return ceremony;
}

async function vouch(office: Office): Promise<string> {
  const ceremony = await begin(office);
  office.take('holder');
  resultOf(await office.api.call('issuance.sign', { ceremony, ...FIRST }));
  resultOf(await office.api.call('issuance.sign', { ceremony, ...SECOND }));
  return ceremony;
}

function openssl(...args: readonly string[]): string {
  return execFileSync('openssl', [...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 20_000 });
}

/** The attached CMS of both, as the journal keeps it. */
function cmsOf(dataFolder: string, ceremony: string, step: string): Buffer {
  using journal = new Journal(join(dataFolder, ISSUANCE_JOURNAL_FILE));
  for (const { entry } of journal.entriesOf(ceremony))
    if (entry.type === 'step.signed' && entry.step === step) return Buffer.from(entry.cms, 'base64');
  throw new Error(`${step} was not signed`);
}

describe('two colleagues', () => {
  it('sign one text byte for byte, in one attached CMS that OpenSSL verifies without kortd', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'kortd-vouched-'));
    try {
      await using office = await openOffice({ dataFolder: join(folder, 'data') });
      const ceremony = await vouch(office);
      const view = resultOf(await office.api.call('issuance.get', { ceremony }));
      const { statement } = stepOf(view, 'vouched');
      if (typeof statement !== 'string') throw new Error('what was signed is one text');
      expect(stepOf(view, 'vouchedAgain').statement).toBe(statement);
      expect(statement).toBe(
        `Jag känner Cecilia Öberg (${HOLDER.personalNumber}, ${HOLDER.hsaId}) och intygar att kortet ${RESERVE_NUMBER} lämnas till den personen, ${view.startedAt}.`,
      );
      const [cms, roots, out, signers] = ['both.p7m', 'root.pem', 'text', 'signers.pem'].map((name) => join(folder, name));
      if (!cms || !roots || !out || !signers) throw new Error('four files');
      writeFileSync(cms, cmsOf(join(folder, 'data'), ceremony, 'vouchedAgain'));
      const anchors = benchAuthorities().map(({ certificate }) => new X509Certificate(certificate).toString());
      writeFileSync(roots, anchors.join(''));
      const files = ['-CAfile', roots, '-out', out, '-signer', signers];
      openssl('cms', '-verify', '-inform', 'DER', '-in', cms, '-purpose', 'any', '-binary', ...files);
      expect(openssl('asn1parse', '-inform', 'DER', '-in', cms)).toContain('pkcs7-signedData');
      expect(execFileSync('cat', [out], { encoding: 'utf8' })).toBe(statement);
      const names = openssl('crl2pkcs7', '-nocrl', '-certfile', signers, '-out', join(folder, 'p7'));
      expect(names).toBe('');
      const subjects = openssl('pkcs7', '-in', join(folder, 'p7'), '-print_certs', '-noout');
      expect([...subjects.matchAll(/serialNumber ?= ?([^,\s/]+)/gu)].map(([, id]) => id).toSorted()).toEqual([
        'SE2321000016-BENCH1',
        'SE2321000016-BENCH2',
      ]);
      writeFileSync(cms, flipped(cmsOf(join(folder, 'data'), ceremony, 'vouchedAgain'), statement));
      expect(() => openssl('cms', '-verify', '-inform', 'DER', '-in', cms, '-purpose', 'any', '-binary', ...files)).toThrow();
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('are two persons: the same card, or another card of the first, is refused', async () => {
    await using office = await openOffice();
    const { api } = office;
    const ceremony = await begin(office);
    office.take('holder');
    resultOf(await api.call('issuance.sign', { ceremony, ...FIRST }));
    const again = errorOf(await api.call('issuance.sign', { ceremony, ...SECOND, card: { role: 'operator' } }));
    expect(again).toMatchObject({ code: 'participant_refused', details: { reason: 'same_person' } });
    expect(outcomeOf(await api.call('issuance.sign', { ceremony, ...SECOND }))).toBe('ok');
  });

  it('are neither of them the person whom they vouch for', async () => {
    await using office = await openOffice();
    const ceremony = await begin(office, { ...PERSON, hsaId: 'se2321000016-bench1' });
    office.take('holder');
    const error = errorOf(await office.api.call('issuance.sign', { ceremony, ...FIRST }));
    expect(error).toMatchObject({ code: 'participant_refused', details: { reason: 'same_person' } });
  });

  it('sign when the new card has been taken out', async () => {
    await using office = await openOffice();
    const ceremony = await begin(office);
    const error = errorOf(await office.api.call('issuance.sign', { ceremony, ...FIRST }));
    expect(error).toMatchObject({ code: 'card_not_taken_out', details: { cardNumber: RESERVE_NUMBER } });
    office.take('holder');
    expect(outcomeOf(await office.api.call('issuance.sign', { ceremony, ...FIRST }))).toBe('ok');
  });
});

describe('when both have signed', () => {
  it('three messages and one to the issuing office are handed to the caller', async () => {
    await using office = await openOffice();
    const ceremony = await vouch(office);
    const view = resultOf(await office.api.call('issuance.get', { ceremony }));
    expect(view.nextStep).toBe('receipt');
    const messages = stepOf(view, 'told').messages ?? [];
    expect(messages.map(({ to }) => to)).toEqual(['holder', 'colleague', 'secondColleague', 'issuingOffice']);
    expect(messages[3]?.en).toBe(
      `Anna Lindqvist and Björn Åkesson have vouched for Cecilia Öberg (${HOLDER.personalNumber}), card ${RESERVE_NUMBER}.`,
    );
  });

  it('a paper receipt that does not come is reported after 14 days, and can be recorded still', async () => {
    await using office = await openOffice();
    const { api, clock } = office;
    const ceremony = await vouch(office);
    const get = async () => resultOf(await api.call('issuance.get', { ceremony }));
    expect((await get()).reports).toEqual([]);
    clock.now = new Date(clock.now.getTime() + 14 * DAY_MS + 60_000);
    await expect.poll(get, { timeout: 8_000 }).toMatchObject({ state: 'open', reports: ['paperReceiptMissing'] });
    const fields = { signedOn: new Date(clock.now.getTime() - 2 * DAY_MS).toISOString().slice(0, 10), archiveReference: 'A 1' };
    const done = resultOf(await api.call('issuance.record', { ceremony, step: 'receipt', fields }));
    expect(done).toMatchObject({ state: 'finished', reports: ['paperReceiptMissing'] });
  });

  it('what they signed is kept for ten years', () => {
    expect(standardRoutines().get('reserve-card-vouched')?.retentionYears).toBe(10);
  });
});

/** With one byte of the text changed. */
function flipped(cms: Buffer, statement: string): Buffer {
  const at = cms.indexOf(Buffer.from(statement));
  if (at < 0) throw new Error('the text stands in the CMS');
  const changed = Buffer.from(cms);
  changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
  return changed;
}
