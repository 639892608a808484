import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { encodeTlv } from '../../apdu/tlv/ber-tlv.ts';
import { basicConstraints, certificatePolicies, keyUsage, sequence } from '../../drivers/simulated/certificate.ts';
import {
  LOA2,
  LOA3,
  NOW,
  ecKey,
  factsOf,
  issue,
  issuePersonal,
  makeAuthority,
  nameOf,
  pathLength,
  type Authority,
  type Issue,
} from './testing.ts';
import { chainBudget, validateChain, type ChainReport } from './trust.ts';

const root = makeAuthority('Root');
const middle = makeAuthority('Middle', root);
const signer = keyUsage('keyCertSign');

function judge(leaf: Uint8Array, anchors: readonly Authority[], intermediates: readonly Authority[], at = NOW): ChainReport {
  const of = (all: readonly Authority[]) => all.map(({ facts }) => facts);
  return validateChain(factsOf(leaf), { anchors: of(anchors), intermediates: of(intermediates), at });
}

const subjectsOf = ({ chain }: ChainReport): readonly string[] => chain.map(({ subjectText }) => subjectText);

describe('a chain', () => {
  it('goes from the certificate over the authorities to the anchor', () => {
    const report = judge(issue(middle), [root], [middle]);
    expect(report).toMatchObject({ status: 'trusted', policies: [] });
    expect(report.problem).toBeUndefined();
    expect(subjectsOf(report)).toEqual(['CN=Somebody,C=SE', 'CN=Middle,C=SE', 'CN=Root,C=SE']);
  });

  it('is not checked without an anchor', () => {
    expect(judge(issue(middle), [], [middle, root])).toMatchObject({ status: 'unchecked', policies: [] });
  });

  it('of the anchor itself is the anchor alone', () => {
    expect(subjectsOf(judge(root.der, [root], []))).toEqual(['CN=Root,C=SE']);
  });

  it('ends at an intermediate authority that is an anchor', () => {
    expect(subjectsOf(judge(issue(middle), [middle], []))).toEqual(['CN=Somebody,C=SE', 'CN=Middle,C=SE']);
  });

  it('goes over RSA and elliptic keys alike', () => {
    const rsa = (bits: number) => generateKeyPairSync('rsa', { modulusLength: bits }).privateKey;
    const top = makeAuthority('RSA root', undefined, { key: rsa(3072) });
    const curve = makeAuthority('EC', top, { key: generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).privateKey });
    const below = makeAuthority('RSA', curve, { key: rsa(2048) });
    expect(judge(issue(below, { key: rsa(2048) }), [top], [below, curve]).status).toBe('trusted');
  });

  it('compares names without regard to case and to how many spaces there are', () => {
    const issuer = { name: nameOf('  MIDDLE '), key: middle.key };
    expect(judge(issue(issuer), [root], [middle]).status).toBe('trusted');
    expect(judge(issue({ name: nameOf('Mid dle'), key: middle.key }), [root], [middle]).problem).toBe('issuer_unknown');
  });

  it('finds the right one of several authorities of the same name', () => {
    const others = Array.from({ length: 20 }, () => makeAuthority('Middle', root));
    expect(judge(issue(middle), [root], [...others, middle]).status).toBe('trusted');
    expect(judge(issue(middle), [root], others).problem).toBe('signature_invalid');
  });

  it('takes the way that leads to an anchor when another one does not', () => {
    const key = ecKey();
    const expired = makeAuthority('Cross', root, { key, notAfter: new Date('2025-01-01T00:00:00Z') });
    const stranger = makeAuthority('Cross', makeAuthority('Stranger'), { key });
    const good = makeAuthority('Cross', root, { key });
    expect(judge(issue(good), [root], [expired, stranger, good]).status).toBe('trusted');
  });
});

describe('a chain is refused', () => {
  const refused: readonly (readonly [string, Issue | undefined, string])[] = [
    ['is no authority', { extensions: [basicConstraints(false), signer] }, 'issuer_not_authority'],
    ['has no basic constraints', { extensions: [signer] }, 'issuer_not_authority'],
    ['may not sign certificates', { extensions: [basicConstraints(true), keyUsage('cRLSign')] }, 'issuer_key_usage'],
    ['has expired', { notAfter: new Date('2026-03-02T08:14:59Z') }, 'issuer_expired'],
    ['is not valid yet', { notBefore: new Date('2026-03-02T08:15:01Z') }, 'issuer_not_yet_valid'],
    [
      'has a critical extension that nobody knows',
      { extensions: [basicConstraints(true), signer, { oid: '2.999.1', critical: true, value: sequence() }] },
      'extension_unsupported',
    ],
    [
      'has name constraints',
      { extensions: [basicConstraints(true), signer, { oid: '2.5.29.30', value: sequence() }] },
      'extension_unsupported',
    ],
    [
      'has an extension twice',
      { extensions: [basicConstraints(true), signer, certificatePolicies(LOA2), certificatePolicies(LOA3)] },
      'malformed',
    ],
    [
      'has basic constraints twice',
      { extensions: [basicConstraints(true), basicConstraints(true), signer] },
      'issuer_not_authority',
    ],
    [
      'has policies that do not decode',
      { extensions: [basicConstraints(true), signer, { oid: '2.5.29.32', value: Uint8Array.of(0x30, 0x05) }] },
      'malformed',
    ],
    ['has a key of 1024 bits', { key: generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey }, 'signature_weak'],
    [
      'has a key on a curve of 192 bits',
      { key: generateKeyPairSync('ec', { namedCurve: 'prime192v1' }).privateKey },
      'signature_weak',
    ],
  ];
  it.each(refused)('whose issuer %s', (_, what, problem) => {
    const bad = makeAuthority('Middle', root, what);
    const report = judge(issue(bad), [root], [bad]);
    expect(report).toMatchObject({ status: 'untrusted', problem, policies: [] });
    expect(subjectsOf(report)).toEqual(['CN=Somebody,C=SE', 'CN=Middle,C=SE']);
  });

  it.each([
    ['has expired', { notAfter: new Date('2026-03-02T08:14:59Z') }, 'expired'],
    ['is not valid yet', { notBefore: new Date('2026-03-02T08:15:01Z') }, 'not_yet_valid'],
    [
      'has a critical extension that nobody knows',
      { extensions: [{ oid: '2.999.1', critical: true, value: sequence() }] },
      'extension_unsupported',
    ],
  ] satisfies (readonly [string, Issue, string])[])('that %s', (_, what, problem) => {
    expect(judge(issue(middle, what), [root], [middle])).toMatchObject({ status: 'untrusted', problem });
  });

  it('at a time when it was not valid, and is taken at one when it was', () => {
    const leaf = issue(middle, { notAfter: new Date('2025-01-01T00:00:00Z') });
    expect(judge(leaf, [root], [middle]).problem).toBe('expired');
    expect(judge(leaf, [root], [middle], new Date('2024-06-01T00:00:00Z')).status).toBe('trusted');
  });

  it('whose issuer is not known, and one that issued itself', () => {
    expect(judge(issue(middle), [root], [])).toMatchObject({ status: 'untrusted', problem: 'issuer_unknown' });
    expect(judge(makeAuthority('Stranger').der, [root], [])).toMatchObject({ problem: 'issuer_unknown' });
    expect(judge(issue(middle), [makeAuthority('Root')], [middle]).problem).toBe('signature_invalid');
  });

  it('whose signature is another one, byte by byte', () => {
    const der = issue(middle);
    for (const fromEnd of [1, 20, 40]) {
      const forged = Uint8Array.from(der);
      const at = forged.length - fromEnd;
      forged[at] = (forged[at] ?? 0) ^ 1;
      const report = judge(forged, [root], [middle]);
      expect(report).toMatchObject({ status: 'untrusted', problem: 'signature_invalid' });
    }
  });

  it('with more authorities than one of them allows', () => {
    const short = makeAuthority('Short', root, { extensions: [pathLength(0n), signer] });
    const below = makeAuthority('Below', short);
    expect(judge(issue(short), [root], [short]).status).toBe('trusted');
    expect(judge(issue(below), [root], [short, below])).toMatchObject({ problem: 'path_too_long' });
    const one = makeAuthority('One', root, { extensions: [pathLength(1n), signer] });
    const lower = makeAuthority('Lower', one);
    expect(judge(issue(lower), [root], [one, lower]).status).toBe('trusted');
  });

  it('that is longer than any in use', () => {
    const all = [root];
    for (let depth = 0; depth < 10; depth++) all.push(makeAuthority(`Depth ${depth}`, all.at(-1)));
    const leaf = issue(all.at(-1) ?? root);
    expect(judge(leaf, [root], all)).toMatchObject({ status: 'untrusted', problem: 'too_complex' });
  });
});

describe('authorities that issued each other', () => {
  it('in a loop lead nowhere, and end', () => {
    const [first, second] = [ecKey(), ecKey()];
    const a = makeAuthority('A', { name: nameOf('B'), key: second }, { key: first });
    const b = makeAuthority('B', { name: nameOf('A'), key: first }, { key: second });
    expect(judge(issue(a), [root], [a, b])).toMatchObject({ status: 'untrusted', problem: 'issuer_unknown' });
  });

  it('all of them, are given up within a bound', () => {
    const keys = Array.from({ length: 14 }, () => ecKey());
    const all = keys.flatMap((key, own) =>
      keys.flatMap((issuerKey, other) =>
        own === other ? [] : [makeAuthority('Same', { name: nameOf('Same'), key: issuerKey }, { key })],
      ),
    );
    const budget = chainBudget();
    const leaf = factsOf(issue({ name: nameOf('Same'), key: keys[0] ?? ecKey() }));
    const options = { anchors: [root.facts], intermediates: all.map(({ facts }) => facts), at: NOW, budget };
    const before = performance.now();
    expect(validateChain(leaf, options)).toMatchObject({ status: 'untrusted' });
    expect(performance.now() - before).toBeLessThan(2_000);
    expect(Math.min(budget.candidates, budget.signatures)).toBeLessThan(0);
  });
});

describe('policies', () => {
  const authority = (name: string, issuer: Authority, ...policies: readonly string[]): Authority => {
    const extensions = [basicConstraints(true), signer, ...(policies.length > 0 ? [certificatePolicies(...policies)] : [])];
    return makeAuthority(name, issuer, { extensions });
  };
  const leafOf = (issuer: Authority, ...policies: readonly string[]): Uint8Array => issuePersonal(issuer, { policies });

  it('are those that every authority below the anchor may issue under', () => {
    const two = authority('Two', root, LOA2);
    expect(judge(leafOf(two, LOA2, LOA3), [root], [two]).policies).toEqual([LOA2]);
    const both = authority('Both', root, LOA2, LOA3);
    const below = authority('Below', both, LOA3);
    expect(judge(leafOf(below, LOA2, LOA3), [root], [both, below]).policies).toEqual([LOA3]);
  });

  it('are none below an authority that names none, and bound by nothing below the anchor itself', () => {
    const silent = authority('Silent', root);
    expect(judge(leafOf(silent, LOA3), [root], [silent])).toMatchObject({ status: 'trusted', policies: [] });
    expect(judge(leafOf(silent, LOA3), [silent], []).policies).toEqual([LOA3]);
  });

  it('do not hold anyPolicy of a person', () => {
    expect(judge(leafOf(middle, '2.5.29.32.0'), [root], [middle]).policies).toEqual([]);
  });

  it('must be there when an authority requires it', () => {
    const requires = { oid: '2.5.29.36', critical: true, value: sequence(encodeTlv(0x80, Uint8Array.of(0))) };
    const extensions = [basicConstraints(true), signer, requires, certificatePolicies(LOA2)];
    const strict = makeAuthority('Strict', root, { extensions });
    expect(judge(leafOf(strict, LOA2), [root], [strict]).status).toBe('trusted');
    expect(judge(leafOf(strict, LOA3), [root], [strict])).toMatchObject({ status: 'untrusted', problem: 'policy_missing' });
  });
});
