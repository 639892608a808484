/** Evidence and the exchange between desks over the API of real daemons: what is kept when a ceremony finishes, and two administrators at two desks. */
import { X509Certificate } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Ceremony } from '../../api-spec/issuance.ts';
import type { Result } from '../../api-spec/methods/index.ts';
import { openSeal } from '../../daemon/issuance/evidence/seal.ts';
import { EVIDENCE_FOLDER } from '../../daemon/issuance/evidence/store.ts';
import { exportCeremony, type Exported } from '../../daemon/issuance/evidence/transfer.ts';
import { verifyEvidence, type EvidenceReport } from '../../daemon/issuance/evidence/verify.ts';
import { unpackZip } from '../../daemon/issuance/evidence/zip.ts';
import { Journal } from '../../daemon/issuance/journal.ts';
import { ISSUANCE_JOURNAL_FILE } from '../../daemon/issuance/open-issuance.ts';
import { standardRoutines } from '../../daemon/issuance/routines.ts';
import { benchAuthorities } from '../../drivers/simulated/cards/eid/personas.ts';
import { eventually, outcomeOf, resultOf } from '../api/support.ts';
import { runTool } from '../support/run-tool.ts';
import { PINS, downloadReserveCard, openOffice, orderFields, orderReserveCard, stepOf, type Office } from './office.ts';

const SCRIPT = join(import.meta.dirname, '..', '..', 'scripts', 'verify-evidence.sh');

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kortd-office-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const sign = (office: Office, ceremony: string, step: string) =>
  office.api.call('issuance.sign', { ceremony, step, language: 'sv', pin: PINS.underskrift });
const sealFile = (office: Office): string => join(office.bench.dataFolder, 'seal-certificate.pem');

/** From the order to the confirmed card. */
async function finish(office: Office): Promise<Ceremony> {
  const downloaded = await downloadReserveCard(office, await orderReserveCard(office));
  resultOf(await sign(office, downloaded.ceremony, 'receipt'));
  return resultOf(await office.api.call('issuance.confirm', { ceremony: downloaded.ceremony }));
}

const evidenceOf = async (office: Office, ceremony: string): Promise<Result<'issuance.evidence'>> =>
  resultOf(await office.api.call('issuance.evidence', { ceremony }));
const bytesOf = ({ data = '' }: { readonly data?: string }): Uint8Array => Buffer.from(data, 'base64');

function verifyAt(office: Office, container: Uint8Array): EvidenceReport {
  return verifyEvidence(container, { seals: [new X509Certificate(readFileSync(sealFile(office)))] });
}

function keptIn(dataFolder: string): readonly string[] {
  const root = join(dataFolder, EVIDENCE_FOLDER);
  return existsSync(root) ? readdirSync(root).flatMap((day) => readdirSync(join(root, day))) : [];
}

describe('the evidence of a reserve card', () => {
  it('is kept when the card is confirmed, and verifies with OpenSSL and unzip alone', async () => {
    await using office = await openOffice();
    const { ceremony } = await finish(office);
    await eventually('evidence', () => keptIn(office.bench.dataFolder).length === 1, 5_000);
    const { keepUntil, isEncrypted, ...out } = await evidenceOf(office, ceremony);
    expect(isEncrypted).toBe(false);
    expect(keepUntil.slice(0, 4)).toBe(String(office.clock.now.getUTCFullYear() + 10));
    const container = bytesOf(out);
    const { problems, signers } = verifyAt(office, container);
    expect(problems).toEqual([]);
    expect(signers.map(({ step }) => step)).toEqual(['ordered', 'reviewed', 'receipt']);
    writeFileSync(join(folder, 'evidence.asice'), container);
    const anchors = benchAuthorities().map((one) => new X509Certificate(one.certificate).toString());
    writeFileSync(join(folder, 'anchors.pem'), anchors.join(''));
    const said = await runTool('sh', [SCRIPT, join(folder, 'evidence.asice'), sealFile(office), join(folder, 'anchors.pem')]);
    expect(said).toContain(`VALID: evidence of ${ceremony}`);
  });

  it('holds the certificates of the card, every entry of the journal, and the acts of the audit log, the last one too', async () => {
    await using office = await openOffice();
    const { ceremony } = await finish(office);
    const files = new Map(unpackZip(bytesOf(await evidenceOf(office, ceremony))).entries.map((one) => [one.name, one.content]));
    const text = (name: string): string => Buffer.from(files.get(name) ?? []).toString('utf8');
    const signature = new X509Certificate(files.get('cards/download/2-signature.cer') ?? new Uint8Array());
    expect(signature.subject).toContain('SE2321000016-BENCH3');
    expect(text('summary.json')).toContain('"cardNumber": "9752000000000000102"');
    const types = text('journal.jsonl').match(/\\"type\\":\\"[a-z]+\.[a-z]+/gu) ?? [];
    expect(types.at(0)).toContain('ceremony.begun');
    expect(types.at(-1)).toContain('ceremony.finished');
    const methods = [...text('audit.jsonl').matchAll(/"method":"([^"]+)"/gu)].map(([, method]) => method);
    expect(methods).toEqual([
      ...['issuance.record', 'issuance.sign', 'issuance.sign', 'issuance.record'],
      ...['issuance.enrol', 'issuance.resume', 'issuance.writeCertificates', 'issuance.sign', 'issuance.confirm'],
    ]);
  });

  it('has every act of the ceremony by its name, and nothing that the signers did meanwhile for others', async () => {
    await using office = await openOffice();
    const { api } = office;
    const { ceremony } = await orderReserveCard(office);
    const { ceremony: other } = resultOf(await api.call('issuance.start', { routine: 'reserve-card-loa3' }));
    resultOf(await api.call('issuance.record', { ceremony: other, step: 'order', fields: orderFields(office.clock.now) }));
    resultOf(await sign(office, other, 'ordered'));
    const patient = { data: Buffer.from('a letter').toString('base64') };
    const signed = {
      card: { role: 'operator' },
      content: patient,
      detached: true,
      keyReference: '46',
      pin: PINS.underskrift,
    } as const;
    resultOf(await api.call('sign.cms', signed));
    await downloadReserveCard(office, resultOf(await api.call('issuance.get', { ceremony })));
    resultOf(await sign(office, ceremony, 'receipt'));
    resultOf(await api.call('issuance.confirm', { ceremony }));
    const files = new Map(unpackZip(bytesOf(await evidenceOf(office, ceremony))).entries.map((one) => [one.name, one.content]));
    const acts = Buffer.from(files.get('audit.jsonl') ?? [])
      .toString('utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { readonly method: string; readonly purpose?: string });
    expect(acts.map(({ purpose }) => purpose)).toEqual(acts.map(() => ceremony));
    expect(acts.filter(({ method }) => method === 'issuance.sign')).toHaveLength(3);
  });

  it('is there for finished ceremonies alone', async () => {
    await using office = await openOffice();
    const { ceremony } = resultOf(await office.api.call('issuance.start', { routine: 'reserve-card-loa3' }));
    expect(outcomeOf(await office.api.call('issuance.evidence', { ceremony }))).toBe('evidence_missing');
    resultOf(await office.api.call('issuance.cancel', { ceremony, reason: 'no card' }));
    expect(outcomeOf(await office.api.call('issuance.evidence', { ceremony }))).toBe('evidence_missing');
    expect(outcomeOf(await office.api.call('issuance.export', { ceremony }))).toBe('ceremony_closed');
    const unknown = { ceremony: ceremony.replace(/.$/u, (last) => (last === '0' ? '1' : '0')) };
    expect(outcomeOf(await office.api.call('issuance.evidence', unknown))).toBe('ceremony_unknown');
  });

  it('is put together by the next start when the daemon ends as soon as the card is confirmed', async () => {
    const dataFolder = join(folder, 'data');
    let ceremony = '';
    {
      await using office = await openOffice({ dataFolder });
      ({ ceremony } = await finish(office));
    }
    expect(keptIn(dataFolder)).toEqual([]);
    await using again = await openOffice({ dataFolder, isEmpty: true });
    await eventually('evidence', () => keptIn(dataFolder).length === 1, 5_000);
    expect(verifyAt(again, bytesOf(await evidenceOf(again, ceremony))).problems).toEqual([]);
  });

  it('is encrypted to the recipients of the policy, and not kept at all while they cannot be read', async () => {
    const [key, certificate] = [join(folder, 'archive.key'), join(folder, 'archive.pem')];
    await using office = await openOffice({ policy: { issuance: { evidenceRecipients: [certificate] } } });
    const { ceremony } = await finish(office);
    const refused = await office.api.call('issuance.evidence', { ceremony });
    expect(outcomeOf(refused)).toBe('evidence_unavailable');
    expect(JSON.stringify(refused)).toContain('archive.pem, which the policy names');
    expect(keptIn(office.bench.dataFolder)).toEqual([]);
    await runTool('openssl', [
      ...['req', '-x509', '-nodes', '-newkey', 'rsa:2048', '-subj', '/CN=Archive', '-days', '30'],
      ...['-keyout', key, '-out', certificate],
    ]);
    const out = await evidenceOf(office, ceremony);
    expect(out.isEncrypted).toBe(true);
    writeFileSync(join(folder, 'evidence.p7m'), bytesOf(out));
    const input = ['-inform', 'DER', '-in', join(folder, 'evidence.p7m'), '-recip', certificate, '-inkey', key];
    await runTool('openssl', ['cms', '-decrypt', '-binary', ...input, '-out', join(folder, 'opened.asice')]);
    expect(verifyAt(office, readFileSync(join(folder, 'opened.asice'))).problems).toEqual([]);
  });
});

describe('two administrators at two desks', () => {
  /** Two that trust each other, as the policy files of both say. */
  async function openDesks(undo: AsyncDisposableStack): Promise<readonly [Office, Office]> {
    const here = undo.use(await openOffice());
    const there = undo.use(await openOffice());
    for (const [office, other] of [
      [here, there],
      [there, here],
    ] as const) {
      const { ceremony } = resultOf(await other.api.call('issuance.start', { routine: 'renewal' }));
      resultOf(await other.api.call('issuance.export', { ceremony })); // makes the seal
      const roles = Object.fromEntries(
        ['operator', 'secondOperator', 'holder'].map((role) => [role, { reader: { serialNumber: `OFFICE-${role}` } }]),
      );
      await office.bench.setPolicy({ roles, issuance: { trustedDesks: [sealFile(other)] } });
    }
    return [here, there];
  }

  /** Another program holds the journal. */
  async function whileLocked({ bench }: Office, work: () => Promise<string>): Promise<string> {
    const database = new DatabaseSync(join(bench.dataFolder, ISSUANCE_JOURNAL_FILE));
    database.exec('BEGIN IMMEDIATE');
    try {
      return await work();
    } finally {
      database.close();
    }
  }

  const exported = async ({ api }: Office, ceremony: string): Promise<{ readonly data: string }> => {
    const { data = '' } = resultOf(await api.call('issuance.export', { ceremony }));
    return { data };
  };

  async function ordered({ api, clock }: Office): Promise<string> {
    const { ceremony } = resultOf(await api.call('issuance.start', { routine: 'reserve-card-loa3' }));
    resultOf(await api.call('issuance.record', { ceremony, step: 'order', fields: orderFields(clock.now) }));
    return ceremony;
  }

  it('order at one, review at the other, and hand out at the first', async () => {
    await using undo = new AsyncDisposableStack();
    const [here, there] = await openDesks(undo);
    const ceremony = await ordered(here);
    resultOf(await sign(here, ceremony, 'ordered'));
    const transfer = await exported(here, ceremony);
    const away = resultOf(await here.api.call('issuance.get', { ceremony }));
    expect(away).toMatchObject({ isAway: true, state: 'open' });
    expect(away).not.toHaveProperty('nextCall');
    expect(outcomeOf(await sign(here, ceremony, 'reviewed'))).toBe('ceremony_away');

    const taken = resultOf(await there.api.call('issuance.import', { transfer }));
    expect(taken).toMatchObject({ ceremony, nextStep: 'reviewed', nextCall: 'issuance.sign' });
    expect(stepOf(taken, 'ordered').person).toMatchObject({ name: 'Anna Lindqvist' });
    expect(outcomeOf(await there.api.call('issuance.import', { transfer }))).toBe('transfer_already_taken');
    resultOf(await sign(there, ceremony, 'reviewed'));

    const back = resultOf(await here.api.call('issuance.import', { transfer: await exported(there, ceremony) }));
    expect(back).toMatchObject({ nextStep: 'terms' });
    resultOf(await here.api.call('issuance.record', { ceremony, step: 'terms', fields: { accepted: 'yes' } }));
    await downloadReserveCard(here, back);
    resultOf(await sign(here, ceremony, 'receipt'));
    const confirmed = resultOf(await here.api.call('issuance.confirm', { ceremony }));
    expect(confirmed).toMatchObject({ state: 'finished' });
    expect(verifyAt(here, bytesOf(await evidenceOf(here, ceremony))).problems).toEqual([]);
  });

  it('are two persons, also then', async () => {
    await using undo = new AsyncDisposableStack();
    const [here, there] = await openDesks(undo);
    const ceremony = await ordered(here);
    resultOf(await sign(here, ceremony, 'ordered'));
    resultOf(await there.api.call('issuance.import', { transfer: await exported(here, ceremony) }));
    there.take('operator');
    there.take('secondOperator');
    await there.put(there.cards.anna, 'secondOperator');
    expect(outcomeOf(await sign(there, ceremony, 'reviewed'))).toBe('participant_refused');
  });

  it('go on at one desk alone: who takes a ceremony back cannot take over what the other did', async () => {
    await using undo = new AsyncDisposableStack();
    const [here, there] = await openDesks(undo);
    const ceremony = await ordered(here);
    const transfer = await exported(here, ceremony);
    expect(await exported(here, ceremony)).not.toEqual({ data: '' });
    resultOf(await there.api.call('issuance.import', { transfer }));
    expect(resultOf(await here.api.call('issuance.import', { transfer }))).not.toHaveProperty('isAway');
    resultOf(await sign(here, ceremony, 'ordered'));
    resultOf(await sign(there, ceremony, 'ordered'));
    const theirs = await exported(there, ceremony);
    expect(outcomeOf(await here.api.call('issuance.import', { transfer: theirs }))).toBe('transfer_diverged');
  });

  it('do not take over from a stranger, nor what was changed on its way', async () => {
    await using here = await openOffice();
    await using stranger = await openOffice();
    const { data } = await exported(stranger, await ordered(stranger));
    expect(outcomeOf(await here.api.call('issuance.import', { transfer: { data } }))).toBe('transfer_seal_untrusted');
    const bytes = Buffer.from(data, 'base64');
    bytes[bytes.indexOf('Cecilia')] = 0x63;
    const changed = { transfer: { data: bytes.toString('base64') } };
    expect(outcomeOf(await here.api.call('issuance.import', changed))).toBe('transfer_invalid');
    expect(resultOf(await here.api.call('issuance.list', {})).ceremonies).toEqual([]);
  });

  it('take over nothing that is not whole, nor by another routine', async () => {
    await using undo = new AsyncDisposableStack();
    const [here, there] = await openDesks(undo);
    const entries = new Journal(join(there.bench.dataFolder, ISSUANCE_JOURNAL_FILE));
    undo.use(entries);
    const ceremony = await ordered(there);
    await exported(there, ceremony);
    const seal = await openSeal({ folder: there.bench.dataFolder, now: () => new Date() });
    const routine = standardRoutines().get('reserve-card-loa3');
    if (!routine) throw new Error('there is such a routine');
    const outcome = async (whole: Exported): Promise<string> => {
      const data = Buffer.from(await exportCeremony(whole, seal)).toString('base64');
      return outcomeOf(await here.api.call('issuance.import', { transfer: { data } }));
    };
    const all = entries.entriesOf(ceremony);
    expect(await outcome({ ceremony: { id: ceremony, routine }, entries: all.slice(1) })).toBe('transfer_broken');
    const other = { ...routine, retentionYears: 1 };
    expect(await outcome({ ceremony: { id: ceremony, routine: other }, entries: all })).toBe('transfer_routine_differs');
    expect(await outcome({ ceremony: { id: ceremony, routine }, entries: all })).toBe('ok');
  });

  it('leave a ceremony alone on which a call is at work, and while the journal or the clock cannot be relied on', async () => {
    await using undo = new AsyncDisposableStack();
    const [here, there] = await openDesks(undo);
    const ceremony = await ordered(here);
    const outcome = async (): Promise<string> => outcomeOf(await here.api.call('issuance.export', { ceremony }));
    const signing = here.api.call('issuance.sign', { ceremony, step: 'ordered', language: 'sv' });
    const prompt = await here.station.prompt();
    expect(await outcome()).toBe('ceremony_busy');
    here.station.answer(prompt.id, 'cancelled');
    expect(outcomeOf(await signing)).toBe('pin_cancelled');
    const now = here.clock.now;
    here.clock.now = new Date(now.getTime() - 86_400_000);
    expect(await outcome()).toBe('clock_set_back');
    here.clock.now = now;
    expect(resultOf(await here.api.call('issuance.get', { ceremony }))).not.toHaveProperty('isAway');
    expect(await whileLocked(here, outcome)).toBe('journal_unavailable');
    const transfer = await exported(here, ceremony);
    const taken = async (): Promise<string> => outcomeOf(await there.api.call('issuance.import', { transfer }));
    there.clock.now = new Date(now.getTime() - 86_400_000);
    expect(await taken()).toBe('clock_set_back');
    expect(outcomeOf(await there.api.call('issuance.get', { ceremony }))).toBe('ceremony_unknown');
    there.clock.now = now;
    expect(await whileLocked(there, taken)).toBe('journal_unavailable');
    expect((await Promise.all([taken(), taken()])).sort()).toEqual(['ceremony_busy', 'ok']);
  });

  it('wait for the administrator when the policy names a desk that cannot be read', async () => {
    await using here = await openOffice({ policy: { issuance: { trustedDesks: [join(folder, 'none.pem')] } } });
    const transfer = await exported(here, await ordered(here));
    expect(outcomeOf(await here.api.call('issuance.import', { transfer }))).toBe('evidence_unavailable');
  });
});
