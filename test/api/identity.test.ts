/** Whose card it is, over the API: the simulated office's people, trust anchors from policy files, and certificates that are none. */
import { X509Certificate } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { benchAuthorities } from '../../drivers/simulated/cards/eid/personas.ts';
import { loadScenario, type Scenario } from '../../drivers/simulated/scenario.ts';
import officeFile from '../../drivers/simulated/scenarios/office.json' with { type: 'json' };
import { CHAIN_PROBLEMS, IDENTITY_PROBLEMS } from '../../api-spec/identity.ts';
import type { Result } from '../../api-spec/methods/index.ts';
import { certificateFor, cardKey, openBench, resultOf, testKey, watchedPivCard, writePolicy, type Bench } from './support.ts';

let office: Scenario;
beforeAll(async () => {
  office = await loadScenario('office');
});

async function readCard(bench: Bench, name: string): Promise<Result<'card.read'>> {
  const entry = office.cards.get(name);
  if (!entry) throw new Error(`there is no card ${name}`);
  const card = await bench.insert(entry.card);
  const api = await bench.socket();
  const read = resultOf(await api.call('card.read', { card }));
  expect(resultOf(await api.call('certificate.list', { card })).certificates).toEqual(read.certificates);
  bench.reader().remove();
  return read;
}

function authenticationKeyOf(name: string): { privateKey: string; certificate?: string } {
  const options = officeFile.cards.find((card) => card.name === name)?.options;
  const key = options && 'keys' in options ? options.keys['9A'] : undefined;
  if (!key) throw new Error(`there is no key on card ${name}`);
  return key;
}

const anna = {
  name: 'Anna Lindqvist',
  givenName: 'Anna',
  surname: 'Lindqvist',
  hsaId: 'SE2321000016-BENCH1',
  organisation: 'BENCH Region',
  organisationNumber: '2321000016',
  assuranceLevel: 'LoA3',
  policies: ['2.999.752.3'],
  isTrusted: true,
  problems: [],
};
const bjorn = { ...anna, name: 'Björn Åkesson', givenName: 'Björn', surname: 'Åkesson', hsaId: 'SE2321000016-BENCH2' };
const cecilia = {
  ...anna,
  ...{ name: 'Cecilia Öberg', givenName: 'Cecilia', surname: 'Öberg', hsaId: 'SE2321000016-BENCH3' },
  ...{ assuranceLevel: 'LoA2', policies: ['2.999.752.2'] },
};
const david = {
  ...{ name: 'David Ek', givenName: 'David', surname: 'Ek', personalIdentityNumber: '198112189876' },
  ...{ assuranceLevel: 'LoA3', policies: ['2.999.752.3'], isTrusted: true, problems: [] },
};

describe('the identity on a card of the simulated office', () => {
  it.each([
    ['operatorEid', { ...anna, cardNumber: '9752000000000000011' }],
    ['secondOperatorEid', { ...bjorn, cardNumber: '9752000000000000029' }],
    ['holderEid', { ...cecilia, cardNumber: '9752000000000000037' }],
    ['citizenEid', { ...david, cardNumber: '9752000000000000045' }],
    ['reserveEid', undefined],
    ['operator', anna],
    ['secondOperator', bjorn],
    ['reserve', undefined],
  ])('%s is as it was made', async (name, identity) => {
    await using bench = await openBench({ simulatedAuthorities: office });
    expect((await readCard(bench, name)).identity).toEqual(identity);
  });

  it('comes with what each certificate is for, and the way to its anchor', async () => {
    await using bench = await openBench({ simulatedAuthorities: office });
    const { certificates } = await readCard(bench, 'operatorEid');
    const parsed = certificates.map((one) => one.parsed);
    expect(parsed.map((one) => [one?.purpose, one?.validity, one?.assuranceLevel, one?.chain.status])).toEqual([
      ['authentication', 'valid', 'LoA3', 'trusted'],
      ['signature', 'valid', 'LoA3', 'trusted'],
      ['authority', 'valid', undefined, 'trusted'],
      ['authority', 'valid', undefined, 'trusted'],
    ]);
    expect(parsed[0]?.cardNumber).toBe('9752000000000000011');
    expect(parsed[0]?.chain.subjects).toEqual([
      'CN=Anna Lindqvist,serialNumber=SE2321000016-BENCH1,GN=Anna,SN=Lindqvist,title=ID-administratör,O=BENCH Region,C=SE',
      'CN=BENCH e-id Person HSA-id 3 CA v1,O=BENCH kortd,C=SE',
      'CN=BENCH e-id Root CA v2,O=BENCH kortd,C=SE',
    ]);
  });

  it('is not said to be trusted where nothing is configured: real readers know nothing of the bench', async () => {
    await using bench = await openBench();
    const { identity, certificates } = await readCard(bench, 'operatorEid');
    expect(identity).toMatchObject({ hsaId: 'SE2321000016-BENCH1', policies: ['2.999.752.3'], problems: [] });
    expect(identity).not.toHaveProperty('isTrusted');
    expect(identity).not.toHaveProperty('assuranceLevel');
    expect(certificates[0]?.parsed?.chain).toMatchObject({ status: 'unchecked' });
  });
});

describe('trust anchors of a policy file', () => {
  const root = benchAuthorities()[0]?.certificate ?? new Uint8Array();

  it('are read at start, and anew by system.reload', async () => {
    await using bench = await openBench();
    const policyFolder = join(bench.dataFolder, 'policy.d');
    const anchor = join(bench.dataFolder, 'root.pem');
    const api = await bench.socket();
    expect((await readCard(bench, 'holderEid')).identity).not.toHaveProperty('isTrusted');

    writeFileSync(anchor, new X509Certificate(root).toString(), { mode: 0o600 });
    const assuranceLevels = [{ policy: '2.999.752.2', level: 'LoA2' }];
    writePolicy(policyFolder, { identity: { trustAnchors: [anchor], assuranceLevels } });
    expect(resultOf(await api.call('system.reload', {}))).toEqual({ problems: [] });
    expect((await readCard(bench, 'holderEid')).identity).toMatchObject({ isTrusted: true, assuranceLevel: 'LoA2' });
    expect((await readCard(bench, 'operator')).identity).toMatchObject({
      isTrusted: false,
      problems: [
        { code: 'certificate_untrusted', keyReference: '9A', sv: IDENTITY_PROBLEMS.certificate_untrusted.sv },
        { code: 'certificate_untrusted', keyReference: '9C' },
      ],
    });

    writeFileSync(anchor, 'nothing');
    const { problems } = resultOf(await api.call('system.reload', {}));
    expect(problems).toEqual([{ file: anchor, problem: 'it holds no certificate in PEM' }]);
    expect((await readCard(bench, 'holderEid')).identity).not.toHaveProperty('isTrusted');

    rmSync(anchor);
    expect(resultOf(await api.call('system.reload', {})).problems).toMatchObject([{ file: anchor }]);
  });
});

describe('a card that is of nobody in particular', () => {
  const certificateOf = (name: string, bytes?: Uint8Array) => ({
    keys: {
      '9A': cardKey('P-256', {
        certificate: bytes ? Buffer.from(bytes).toString('base64') : certificateFor(testKey('P-256').publicKey, { name }),
      }),
    },
  });

  it('gives the name that stands in its certificate, and says that nobody vouches for it', async () => {
    await using bench = await openBench({ simulatedAuthorities: office });
    const card = await bench.insert(watchedPivCard(certificateOf('Somebody')));
    const { identity, certificates } = resultOf(await (await bench.socket()).call('card.read', { card }));
    expect(identity).toMatchObject({ name: 'Somebody', isTrusted: false, problems: [{ code: 'certificate_untrusted' }] });
    expect(certificates[0]?.parsed).toMatchObject({
      purpose: 'other',
      chain: { status: 'untrusted', problem: { code: 'issuer_unknown', ...CHAIN_PROBLEMS.issuer_unknown } },
    });
  });

  it('is read when what it holds is no certificate', async () => {
    await using bench = await openBench({ simulatedAuthorities: office });
    const card = await bench.insert(watchedPivCard(certificateOf('', Uint8Array.of(0x30, 0x03, 0x02, 0x01, 0x05))));
    const { identity, certificates } = resultOf(await (await bench.socket()).call('card.read', { card }));
    expect(identity).toBeUndefined();
    expect(certificates).toMatchObject([{ keyReference: '9A', certificate: 'MAMCAQU=' }]);
    expect(certificates[0]).not.toHaveProperty('parsed');
  });

  it('whose certificates contradict each other is of neither', async () => {
    await using bench = await openBench({ simulatedAuthorities: office });
    const card = await bench.insert(
      watchedPivCard({ keys: { '9A': authenticationKeyOf('operator'), '9C': authenticationKeyOf('secondOperator') } }),
    );
    const { identity } = resultOf(await (await bench.socket()).call('card.read', { card }));
    for (const field of ['hsaId', 'name', 'organisationNumber']) expect(identity).not.toHaveProperty(field);
    expect(identity?.problems.map(({ code, field }) => [code, field])).toEqual(
      ['name', 'givenName', 'surname', 'hsaId'].map((field) => ['contradictory', field]),
    );
  });
});
