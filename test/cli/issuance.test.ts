/** `kortd issuance`, the built program against a card office: what it prints of a ceremony in each state, and what it does with it. */
import { beforeAll, describe, expect, it } from 'vitest';
import { resultOf } from '../api/support.ts';
import { PINS, downloadReserveCard, openOffice, orderReserveCard, type Office } from '../issuance/office.ts';
import { build, runProgram, type Ended } from './program.ts';

beforeAll(build, 120_000);

function kortd({ bench: { dataFolder } }: Office, ...parameters: readonly string[]): Promise<Ended> {
  return runProgram(dataFolder, ['issuance', ...parameters, '--data-dir', dataFolder]);
}

describe('kortd issuance', () => {
  it('list tells which are open, of one routine, and by a name; and all of them when asked', async () => {
    await using office = await openOffice();
    expect(await kortd(office, 'list')).toMatchObject({ status: 0, stdout: 'No ceremony is open.\n', stderr: '' });
    const { ceremony } = await orderReserveCard(office);
    const { ceremony: other } = resultOf(await office.api.call('issuance.start', { routine: 'renewal' }));
    resultOf(await office.api.call('issuance.cancel', { ceremony: other, reason: 'the wrong routine' }));
    const open = await kortd(office, 'list');
    expect(open.stdout).toMatch(new RegExp(`^${ceremony} +reserve-card-loa3 +open +since [-0-9 :]{16} +last [-0-9 :]{16}\n$`));
    expect((await kortd(office, 'list', '--all')).stdout.split('\n')).toHaveLength(3);
    expect((await kortd(office, 'list', '--state', 'cancelled')).stdout).toMatch(new RegExp(`^${other} `));
    expect((await kortd(office, 'list', '--search', 'öberg', '--all')).stdout).toContain(ceremony);
    expect((await kortd(office, 'list', '--search', 'nobody')).stdout).toBe('No ceremony is open.\n');
    expect(JSON.parse((await kortd(office, 'list', '--routine', 'renewal', '--all', '--json')).stdout)).toMatchObject({
      ceremonies: [{ ceremony: other, state: 'cancelled' }],
    });
    const limited = await kortd(office, 'list', '--all', '--limit', '1');
    expect(limited.stderr).toBe('These are the latest 1; --limit shows more.\n');
  });

  it('show tells who took which step and when, what is next, and what becomes of the card', async () => {
    await using office = await openOffice();
    const { ceremony } = await orderReserveCard(office);
    resultOf(await office.api.call('issuance.enrol', { ceremony, step: 'download', pin: PINS.legitimering }));
    const { status, stdout, stderr } = await kortd(office, 'show', ceremony);
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^ceremony-\S+: Reserve card, LoA3 \(reserve-card-loa3, version \d+\)\nopen, begun /);
    expect(stdout).toMatch(/done +ordered +Sign the order +operator Anna \S+ SE2321000016-BENCH1 +\d{4}-/);
    expect(stdout).toMatch(/next +download /);
    expect(stdout).toContain('card of download: eid 9752000000000000102, making\n    45 authentication P-256: requested\n');
    expect(stdout).toContain('next: issuance.resume, step download\n');
    expect(JSON.parse((await kortd(office, 'show', ceremony, '--json')).stdout)).toMatchObject({ ceremony, state: 'open' });
  });

  it('resume goes on with the card, and asks for the PIN in a trusted prompt', async () => {
    await using office = await openOffice();
    const { ceremony } = await orderReserveCard(office);
    resultOf(await office.api.call('issuance.enrol', { ceremony, step: 'download', pin: PINS.legitimering }));
    const resumed = kortd(office, 'resume', ceremony);
    office.station.type((await office.station.prompt()).id, { pin: PINS.underskrift });
    const { status, stdout } = await resumed;
    expect(status).toBe(0);
    expect(stdout).toContain('card of download: eid 9752000000000000102, waiting\n');
    expect(stdout).toContain('next: issuance.writeCertificates');
  });

  it('cancel takes off the card what was put there, and says what is to be reported', async () => {
    await using office = await openOffice();
    const { ceremony } = await downloadReserveCard(office, await orderReserveCard(office));
    const cancelled = kortd(office, 'cancel', ceremony, '--reason', 'the holder went home');
    office.station.type((await office.station.prompt()).id, { pin: PINS.legitimering });
    const { status, stdout } = await cancelled;
    expect(status).toBe(0);
    expect(stdout).toContain('to report: revocation');
    // One PIN a call: the second key is the other PIN's.
    expect(stdout).toContain('next: issuance.resume');
    const resumed = kortd(office, 'resume', ceremony);
    office.station.type((await office.station.prompt()).id, { pin: PINS.underskrift });
    expect((await resumed).stdout).toContain('cancelled (the holder went home)');
  });

  it('show prints a reason that a page gave without what would steer the terminal', async () => {
    await using office = await openOffice({ isEmpty: true });
    const { ceremony } = resultOf(await office.api.call('issuance.start', { routine: 'renewal' }));
    resultOf(await office.api.call('issuance.cancel', { ceremony, reason: 'away\u001b[2J\u009b1m\n\u202enow' }));
    expect((await kortd(office, 'show', ceremony)).stdout).toContain('\ncancelled (away [2J 1m  now), begun ');
  });

  it('cancel without the card for good needs no card', async () => {
    await using office = await openOffice();
    const { ceremony } = await downloadReserveCard(office, await orderReserveCard(office));
    office.take('holder');
    const { stdout } = await kortd(office, 'cancel', ceremony, '--reason', 'lost', '--card-lost');
    expect(stdout).toMatch(/cancelled \(lost\)[\s\S]*abandoned[\s\S]*to report: revocation/);
  });

  it('tells of errors as every command does, with exit status 1, and of wrong usage with 2', async () => {
    await using office = await openOffice();
    const unknown = await kortd(office, 'show', 'ceremony-of-nobody');
    expect(unknown).toMatchObject({ status: 1, stdout: '' });
    expect(unknown.stderr).toContain('"code": "ceremony_unknown"');
    expect(unknown.stderr).toContain('Att läsa ärendet misslyckades');
    expect(await kortd(office, 'cancel', 'ceremony-of-nobody')).toMatchObject({ status: 2, stdout: '' });
    for (const wrong of [
      ['--state', 'lost'],
      ['--all', '--state', 'open'],
      ['--limit', '0'],
      ['--limit', '501'],
    ])
      expect(await kortd(office, 'list', ...wrong)).toMatchObject({ status: 2, stdout: '' });
  });
});
