/** `kortd issuance export|import|evidence|verify`, the built program against a card office. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { resultOf } from '../api/support.ts';
import { PINS, downloadReserveCard, openOffice, orderReserveCard, type Office } from '../issuance/office.ts';
import { build, runProgram, type Ended } from './program.ts';

beforeAll(build, 120_000);

let folder = '';
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'kortd-issuance-files-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function kortd({ bench: { dataFolder } }: Office, ...parameters: readonly string[]): Promise<Ended> {
  return runProgram(dataFolder, ['issuance', ...parameters, '--data-dir', dataFolder]);
}

async function finish(office: Office): Promise<string> {
  const { api } = office;
  const { ceremony } = await downloadReserveCard(office, await orderReserveCard(office));
  resultOf(await api.call('issuance.sign', { ceremony, step: 'receipt', language: 'sv', pin: PINS.underskrift }));
  expect(resultOf(await api.call('issuance.confirm', { ceremony })).state).toBe('finished');
  return ceremony;
}

describe('kortd issuance', () => {
  it('evidence writes a container that verify finds whole without a daemon, and not with one byte changed', async () => {
    const file = join(folder, 'evidence.asice');
    const seal = join(folder, 'seal.pem');
    let ceremony = '';
    {
      await using office = await openOffice();
      ceremony = await finish(office);
      expect(await kortd(office, 'evidence', ceremony, '--out', file)).toMatchObject({ status: 0, stdout: `${file}\n` });
      const again = await kortd(office, 'evidence', ceremony, '--out', file);
      expect(again).toMatchObject({ status: 2, stderr: expect.stringContaining('is there already') as string });
      writeFileSync(seal, readFileSync(join(office.bench.dataFolder, 'seal-certificate.pem')));
    }
    const verify = (...more: readonly string[]): Promise<Ended> =>
      runProgram(folder, ['issuance', 'verify', file, '--seal', seal, ...more]);
    const whole = await verify();
    expect(whole.status).toBe(0);
    expect(whole.stdout).toContain(`${ceremony}: Reserve card`);
    expect(whole.stdout).toMatch(/receipt {2}signed by .*Cecilia/);
    expect(JSON.parse((await verify('--json')).stdout)).toMatchObject({ ok: true, ceremony, problems: [] });
    const bytes = readFileSync(file);
    bytes.writeUInt8(bytes.readUInt8(bytes.length >> 1) ^ 1, bytes.length >> 1);
    writeFileSync(file, bytes);
    const changed = await verify();
    expect(changed.status).toBe(1);
    expect(changed.stderr).toContain('NOT as it was sealed');
  });

  it('verify trusts only the desks that are named', async () => {
    await using office = await openOffice();
    await using other = await openOffice();
    const [file, foreign] = [join(folder, 'one.asice'), join(folder, 'other.asice')];
    await kortd(office, 'evidence', await finish(office), '--out', file);
    await kortd(other, 'evidence', await finish(other), '--out', foreign);
    const seal = join(office.bench.dataFolder, 'seal-certificate.pem');
    expect((await runProgram(folder, ['issuance', 'verify', file, '--seal', seal])).status).toBe(0);
    const { status, stderr } = await runProgram(folder, ['issuance', 'verify', foreign, '--seal', seal]);
    expect(status).toBe(1);
    expect(stderr).toContain('a desk that is not trusted');
  });

  it('export lets a ceremony go, and import takes it back', async () => {
    await using office = await openOffice();
    const { ceremony } = await orderReserveCard(office);
    const file = join(folder, 'away.p7m');
    const nowhere = await kortd(office, 'export', ceremony, '--out', join(folder, 'none', 'away.p7m'));
    expect(nowhere).toMatchObject({ status: 2, stdout: '', stderr: expect.stringContaining('is no folder') as string });
    expect(resultOf(await office.api.call('issuance.get', { ceremony })).isAway).toBeUndefined();
    expect(await kortd(office, 'export', ceremony, '--out', file)).toMatchObject({ status: 0, stdout: `${file}\n` });
    expect(resultOf(await office.api.call('issuance.get', { ceremony })).isAway).toBe(true);
    const back = await kortd(office, 'import', file);
    expect(back.status).toBe(0);
    expect(back.stdout).toContain('next: issuance.enrol');
    expect(resultOf(await office.api.call('issuance.get', { ceremony })).isAway).toBeUndefined();
    writeFileSync(join(folder, 'none.p7m'), 'none');
    expect(await kortd(office, 'import', join(folder, 'none.p7m'))).toMatchObject({ status: 1, stdout: '' });
    // Too long for a message: uploaded first.
    writeFileSync(join(folder, 'long.p7m'), Buffer.alloc(300_000));
    const broken = await kortd(office, 'import', join(folder, 'long.p7m'));
    expect(broken.status).toBe(1);
    expect(broken.stderr).toContain('transfer_invalid');
    expect((await kortd(office, 'import', join(folder, 'missing.p7m'))).stderr).toContain('there is no such file');
  });
});
