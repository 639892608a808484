/** Every simulated document, and everything that can be wrong with one, read over the API: each gets exactly its verdict. */
import { describe, expect, it } from 'vitest';
import type { EmrtdCardOptions } from '../../drivers/simulated/cards/emrtd.ts';
import { openBench } from '../api/support.ts';
import { layDown, readWhole, troubles } from './desk.ts';

/** What a document without chip authentication, active authentication or mapping says of them. */
const NO_AGREEMENT = { 'electronic.chipAuthentication': 'chip_absent_key' };
const NO_CHALLENGE = { 'electronic.activeAuthentication': 'chip_absent_key' };
const NO_MAPPING = { 'electronic.paceMapping': 'chip_absent_key' };
/** What every reading says. */
const ALWAYS = { 'electronic.terminalAuthentication': 'terminal_not_known' };
const ANNA = { ...NO_CHALLENGE, ...NO_MAPPING };
const BJORN = NO_CHALLENGE;
const CECILIA = { ...NO_AGREEMENT, ...NO_MAPPING };

type Verdicts = readonly [passive: string, chip: string];
type Row = readonly [name: string, options: EmrtdCardOptions, verdicts: Verdicts, troubles: Readonly<Record<string, string>>];

const GOOD: Verdicts = ['passed', 'passed'];

const VARIANTS: readonly Row[] = [
  ['a passport of today', { persona: 'anna' }, GOOD, ANNA],
  ['a card whose mapping proves it', { persona: 'bjorn' }, GOOD, BJORN],
  ['an older passport', { persona: 'cecilia' }, GOOD, CECILIA],
  ['one with integrated mapping and both proofs', { persona: 'david' }, GOOD, NO_MAPPING],
  ['the specimen of ICAO', { persona: 'specimen' }, GOOD, ANNA],
  ['one that opens by BAC alone', { access: ['BAC'] }, GOOD, ANNA],
  ['one that opens by PACE alone', { access: ['PACE'] }, GOOD, ANNA],
  ['one with short lengths alone', { extendedLength: false }, GOOD, ANNA],
  ['one with PACE over a prime group', { pace: [{ mapping: 'generic', suite: '3DES', parameters: 0 }] }, GOOD, ANNA],
  ['one that says its version in EF.SOD', { ldsVersion: '0108', hash: 'SHA-512' }, GOOD, ANNA],
  ['one signed on brainpool curves', { signer: 'ECDSA brainpool' }, GOOD, ANNA],
  ['one whose signer writes its parameters out', { signer: 'ECDSA explicit' }, GOOD, ANNA],
  ['one signed by RSA-PSS', { signer: 'RSA-PSS', hash: 'SHA-384' }, GOOD, ANNA],
  ['one without any proof of its chip', { chipAuthentication: 'none' }, ['passed', 'notSupported'], { ...NO_AGREEMENT, ...ANNA }],
];

const DEFECTS: readonly Row[] = [
  ['wrong hash', { defects: ['wrong hash'] }, ['failed', 'passed'], { ...ANNA, 'electronic.passive.hash.dg1': 'hash_differs' }],
  [
    'tampered portrait',
    { defects: ['tampered portrait'] },
    ['failed', 'passed'],
    { ...ANNA, 'electronic.passive.hash.dg2': 'hash_differs' },
  ],
  [
    'wrong signature',
    { defects: ['wrong signature'] },
    ['failed', 'undetermined'],
    {
      ...ANNA,
      'electronic.passive.signature': 'signature_wrong',
      'electronic.chipAuthentication': 'chip_key_unsigned',
    },
  ],
  [
    'cloned chip, chip authentication',
    { defects: ['cloned chip'] },
    ['passed', 'failed'],
    { ...ANNA, 'electronic.chipAuthentication': 'chip_not_genuine' },
  ],
  [
    'cloned chip, active authentication',
    { persona: 'cecilia', defects: ['cloned chip'] },
    ['passed', 'failed'],
    { ...CECILIA, 'electronic.activeAuthentication': 'chip_not_genuine' },
  ],
  ['other list', { defects: ['other list'] }, ['failed', 'passed'], { ...ANNA, 'electronic.passive.list': 'list_differs' }],
  [
    'length over file',
    { defects: ['length over file'] },
    ['passed', 'passed'],
    { ...ANNA, 'electronic.read.dg2': 'file_invalid', 'electronic.passive.hash.dg2': 'file_not_read' },
  ],
  [
    'no card security',
    { persona: 'bjorn', defects: ['no card security'] },
    ['passed', 'undetermined'],
    { ...BJORN, 'electronic.paceMapping': 'chip_key_invalid' },
  ],
  [
    'wrong card security',
    { persona: 'bjorn', defects: ['wrong card security'] },
    ['passed', 'failed'],
    { ...BJORN, 'electronic.paceMapping': 'chip_not_genuine' },
  ],
  [
    'expired signer',
    { signer: 'expired' },
    ['failed', 'undetermined'],
    {
      ...ANNA,
      'electronic.passive.validity': 'signer_not_valid',
      'electronic.chipAuthentication': 'chip_key_unsigned',
    },
  ],
  [
    'revoked signer',
    { signer: 'revoked' },
    ['failed', 'undetermined'],
    {
      ...ANNA,
      'electronic.passive.revocation': 'signer_revoked',
      'electronic.chipAuthentication': 'chip_key_unsigned',
    },
  ],
  [
    'unknown signer',
    { signer: 'unknown' },
    ['undetermined', 'undetermined'],
    {
      ...ANNA,
      'electronic.passive.chain': 'authority_unknown',
      'electronic.passive.revocation': 'revocation_not_reached',
      'electronic.chipAuthentication': 'chip_key_unsigned',
    },
  ],
];

describe.each([
  ['a document that is as it should be', VARIANTS],
  ['what is wrong with a document', DEFECTS],
] as const)('%s', (_, rows) => {
  it.each(rows)('%s', async (_name, options, [passive, chip], expected) => {
    await using bench = await openBench();
    const reading = await readWhole(await layDown(bench, options));
    expect(reading.verdicts).toEqual({ passive, chip });
    expect(troubles(reading)).toEqual({ ...expected, ...ALWAYS });
    for (const { text } of reading.checks) expect(`${text.en}${text.sv}`).not.toMatch(/undefined|\{/);
  });
});

describe('without anybody who is trusted', () => {
  it('nothing is said to be genuine', async () => {
    await using bench = await openBench({ countrySigners: 'none' });
    const reading = await readWhole(await layDown(bench));
    expect(reading.verdicts).toEqual({ passive: 'undetermined', chip: 'undetermined' });
    expect(troubles(reading)).toMatchObject({
      'electronic.passive.chain': 'anchor_missing',
      'electronic.chipAuthentication': 'chip_key_unsigned',
    });
  });
});

describe('what is asked for', () => {
  it('is all that is read, and what is not there is told without asking the chip', async () => {
    await using bench = await openBench();
    const desk = await layDown(bench, { dataGroups: [] });
    const reading = await readWhole(desk, { dataGroups: ['DG1', 'DG7'], provesChip: false, includesFiles: true });
    expect(reading.files?.map(({ name }) => name)).toEqual(['EF.COM', 'EF.SOD', 'DG1']);
    expect(reading.portrait).toBeUndefined();
    expect(troubles(reading)).toMatchObject({
      'electronic.read.dg7': 'file_absent',
      'electronic.passive.hash.dg2': 'file_not_read',
      'electronic.chipAuthentication': 'chip_not_asked',
    });
    expect(reading.verdicts).toEqual({ passive: 'passed', chip: 'notPerformed' });
  });

  it('is given out: the zone, details and pictures, as JPEG or PNG', async () => {
    await using bench = await openBench();
    const desk = await layDown(bench, { persona: 'david' });
    const reading = await readWhole(desk);
    expect(reading.mrz).toMatchObject({ surname: 'EK', birthDate: '1981-12-18', expiryDate: '2032-01-10', isConsistent: true });
    expect(reading.person).toMatchObject({ personalNumber: '198112189876', placeOfBirth: ['Örebro'] });
    expect(reading.document).toMatchObject({ issueDate: '2022-01-10' });
    expect(reading.portrait).toMatchObject({ mediaType: 'image/png', storedAs: 'image/jp2', width: 206, height: 265 });
    expect(
      Buffer.from(reading.portrait?.data ?? '', 'base64')
        .subarray(1, 4)
        .toString(),
    ).toBe('PNG');
    expect(reading.signer).toMatchObject({ country: 'UT' });
  });
});
