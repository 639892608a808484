/** A photo kiosk: who somebody is says their card, that they are it proves a signature under their PIN, and their picture lies where nobody else reads it. */
import { createHash, verify, X509Certificate } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encode } from '@cantoo/pdf-lib/upng';
import { describe, expect, it } from 'vitest';
import { Journal } from '../../daemon/issuance/journal.ts';
import { ISSUANCE_JOURNAL_FILE } from '../../daemon/issuance/open-issuance.ts';
import { describePersona } from '../../drivers/simulated/cards/eid/personas.ts';
import { errorOf, outcomeOf, resultOf } from '../api/support.ts';
import { startRoutine } from './cards.ts';
import { PINS, openOffice, stepOf, type Office } from './office.ts';

/** A picture that there is, and what only looks like one. */
const PNG = Buffer.from(encode([new Uint8Array(2 * 2 * 4).fill(200).buffer], 2, 2, 0));
const base64 = (bytes: Uint8Array): { data: string } => ({ data: Buffer.from(bytes).toString('base64') });

async function begin(office: Office): Promise<string> {
  office.take('holder');
  await office.put(office.cards.cecilia, 'holder');
  const { ceremony } = await startRoutine(office, 'kiosk');
  resultOf(await office.api.call('issuance.readCard', { ceremony, step: 'card' }));
  return ceremony;
}

async function untilPicture(office: Office): Promise<string> {
  const ceremony = await begin(office);
  resultOf(await office.api.call('issuance.verifyPin', { ceremony, step: 'pin', pin: PINS.legitimering }));
  resultOf(await office.api.call('issuance.record', { ceremony, step: 'consent', fields: { agreed: 'yes' } }));
  return ceremony;
}

describe('at a kiosk', () => {
  it('the PIN is proven by a fresh challenge that a key of the card signed', async () => {
    const dataFolder = mkdtempSync(join(tmpdir(), 'kortd-kiosk-'));
    try {
      await using office = await openOffice({ dataFolder });
      const { api, station } = office;
      const proofs: { challenge: string; signature: string }[] = [];
      for (let visit = 0; visit < 2; visit++) {
        const ceremony = await begin(office);
        const answer = api.call('issuance.verifyPin', { ceremony, step: 'pin' });
        const { id } = await station.prompt();
        station.type(id, { pin: PINS.legitimering });
        expect(stepOf(resultOf(await answer), 'pin').person).toMatchObject({ name: 'Cecilia Öberg' });
        proofs.push(proofOf(dataFolder, ceremony));
      }
      expect(proofs[0]?.challenge).not.toBe(proofs[1]?.challenge);
      const der = describePersona({ persona: 'cecilia' }).keys?.legitimering?.certificate ?? '';
      const { publicKey } = new X509Certificate(Buffer.from(der, 'base64'));
      for (const { challenge, signature } of proofs) {
        expect(Buffer.from(challenge, 'base64').toString('latin1')).toMatch(/^kortd PIN verification\n/);
        expect(verify('sha256', Buffer.from(challenge, 'base64'), publicKey, Buffer.from(signature, 'base64'))).toBe(true);
      }
    } finally {
      rmSync(dataFolder, { recursive: true, force: true });
    }
  });

  it('a wrong PIN takes no step', async () => {
    await using office = await openOffice();
    const ceremony = await begin(office);
    const wrong = await office.api.call('issuance.verifyPin', { ceremony, step: 'pin', pin: '999999' });
    expect(outcomeOf(wrong)).toBe('pin_rejected');
    expect(resultOf(await office.api.call('issuance.get', { ceremony })).nextCall).toBe('issuance.verifyPin');
  });

  it('a card whose key is not that of its certificate proves nothing', async () => {
    const anna = describePersona({ persona: 'anna' }).keys?.underskrift?.privateKey ?? '';
    const legitimering = describePersona({ persona: 'cecilia' }).keys?.legitimering;
    const underskrift = describePersona({ persona: 'cecilia' }).keys?.underskrift;
    if (!legitimering || !underskrift) throw new Error('Cecilia has two keys');
    const keys = { legitimering: { ...legitimering, privateKey: anna }, underskrift };
    await using office = await openOffice({ reserve: { persona: 'cecilia', keys } });
    const { ceremony } = await startRoutine(office, 'kiosk');
    resultOf(await office.api.call('issuance.readCard', { ceremony, step: 'card' }));
    const answer = await office.api.call('issuance.verifyPin', { ceremony, step: 'pin', pin: PINS.legitimering });
    expect(outcomeOf(answer)).toBe('public_key_mismatch');
  });

  it('picture and signature are stored with the person’s number, for kortd’s own user alone, and the ceremony knows their SHA-256', async () => {
    await using office = await openOffice();
    const { api, bench } = office;
    const ceremony = await untilPicture(office);
    const pictured = resultOf(await api.call('issuance.attach', { ceremony, step: 'picture', picture: base64(PNG) }));
    const done = resultOf(await api.call('issuance.attach', { ceremony, step: 'signature', picture: base64(PNG) }));
    expect(done.state).toBe('finished');
    const folder = join(bench.dataFolder, 'pictures');
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    const { file = '', sha256, type } = stepOf(pictured, 'picture').facts ?? {};
    expect(file).toMatch(/^SE2321000016-BENCH3-picture-[0-9a-f-]{36}\.png$/);
    expect(type).toBe('image/png');
    expect(sha256).toBe(createHash('sha256').update(PNG).digest('hex'));
    expect(readFileSync(join(folder, file))).toEqual(PNG);
    expect(statSync(join(folder, file)).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toHaveLength(2);
    expect(readFileSync(join(bench.dataFolder, ISSUANCE_JOURNAL_FILE)).includes(PNG.subarray(8))).toBe(false);
  });

  it('of a visit that was broken off no picture is kept', async () => {
    await using office = await openOffice();
    const ceremony = await untilPicture(office);
    resultOf(await office.api.call('issuance.attach', { ceremony, step: 'picture', picture: base64(PNG) }));
    const folder = join(office.bench.dataFolder, 'pictures');
    expect(readdirSync(folder)).toHaveLength(1);
    resultOf(await office.api.call('issuance.cancel', { ceremony, reason: 'went away' }));
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each([
    ['text', Buffer.from('hello'), 'neither PNG nor JPEG'],
    ['a PNG that was cut off', PNG.subarray(0, 40), 'damaged'],
    ['a JPEG that is none', Buffer.from('ffd8ffe000104a464946', 'hex'), 'damaged'],
  ])('%s is no picture', async (_, bytes, problem) => {
    await using office = await openOffice();
    const ceremony = await untilPicture(office);
    const error = errorOf(await office.api.call('issuance.attach', { ceremony, step: 'picture', picture: base64(bytes) }));
    expect(error.code).toBe('picture_invalid');
    expect(error.message).toContain(problem);
    expect(existsSync(join(office.bench.dataFolder, 'pictures'))).toBe(false);
  });

  it('a folder that others may read takes no picture', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'kortd-pictures-'));
    try {
      const pictureFolder = join(folder, 'open');
      mkdirSync(pictureFolder);
      chmodSync(pictureFolder, 0o750);
      await using office = await openOffice({ policy: { issuance: { pictureFolder } } });
      const ceremony = await untilPicture(office);
      const attach = { ceremony, step: 'picture', picture: base64(PNG) };
      expect(outcomeOf(await office.api.call('issuance.attach', attach))).toBe('pictures_unavailable');
      expect(readdirSync(pictureFolder)).toEqual([]);
      chmodSync(pictureFolder, 0o700);
      expect(outcomeOf(await office.api.call('issuance.attach', attach))).toBe('ok');
      expect(readdirSync(pictureFolder)).toHaveLength(1);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

function proofOf(dataFolder: string, ceremony: string): { readonly challenge: string; readonly signature: string } {
  using journal = new Journal(join(dataFolder, ISSUANCE_JOURNAL_FILE));
  for (const { entry } of journal.entriesOf(ceremony)) if (entry.type === 'step.pinVerified') return entry;
  throw new Error('the PIN was not verified');
}
