import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { issueIdentity } from './authority.ts';
import { trustCommands } from './trust-commands.ts';

let folder = '';
beforeEach(() => {
  // With what a shell takes for itself.
  folder = mkdtempSync(join(tmpdir(), "kortd trust's $(x)-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const FINGERPRINT = 'AB'.repeat(32);
const authority = (path: string) => ({
  path,
  name: 'kortd localhost CA 0123456789abcdef',
  fingerprint: FINGERPRINT,
  serialNumber: '0123',
  expires: new Date(),
});

describe('trustCommands', () => {
  it('on Linux give a policy that holds the certificate as Chromium wants it', async () => {
    const { ca } = await issueIdentity(new Date());
    const [path, policy] = [join(folder, 'ca.pem'), join(folder, 'managed', 'kortd-tls.json')];
    writeFileSync(path, ca);
    const steps = trustCommands('linux', authority(path), '/nss').trust;
    const command = steps.flatMap(({ commands }) => commands).find((candidate) => candidate.includes('/managed/')) ?? '';
    const here = command.replace('sudo ', '').replace(/\/etc\S+$/, '"$TARGET"');
    execFileSync('/bin/sh', ['-c', here], { env: { ...process.env, TARGET: policy }, timeout: 10_000 });
    const base64 = ca.replaceAll(/-----.*?-----|\n/g, '');
    expect(JSON.parse(readFileSync(policy, 'utf8'))).toEqual({ CACertificates: [base64] });
  });

  it('on Linux give a policy for Firefox with the path as it is', () => {
    const steps = trustCommands('linux', authority(join(folder, 'ca "x".pem')), '/nss').trust;
    const policy = steps.find(({ audience }) => audience.startsWith('Firefox'))?.commands[0] ?? '';
    expect(JSON.parse(policy)).toEqual({ policies: { Certificates: { Install: [join(folder, 'ca "x".pem')] } } });
  });

  it.each([
    ['win32', /certutil -addstore -f Root "C:\\x y\\ca\.pem"/, /certutil -delstore Root 0123/],
    [
      'darwin',
      /add-trusted-cert -d -r trustRoot -k \S+System\.keychain 'C:\\x y\\ca\.pem'/,
      new RegExp(`delete-certificate -Z ${FINGERPRINT}`),
    ],
  ] as const)('on %s say how to trust it and how to end that', (platform, trust, untrust) => {
    const commands = trustCommands(platform, authority('C:\\x y\\ca.pem'), '/nss');
    expect(commands.trust[0]?.commands[0]).toMatch(trust);
    expect(commands.untrust[0]?.commands[0]).toMatch(untrust);
  });
});
