/** Policies for a whole machine, put into real files and taken out again: what was there before is there afterwards, byte for byte as far as it is JSON. */
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { enableTls } from '../tls/tls-folder.ts';
import {
  AUTHORITY_FILE,
  FIREFOX_FILE,
  MANAGED_FOLDERS,
  installMachinePolicies,
  removeMachinePolicies,
} from './machine-policies.ts';

const ORIGINS = ['https://ra.example.org', 'https://kiosk.example.org:8443'];
let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'kortd-policies-'));
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

const json = (file: string): unknown => JSON.parse(readFileSync(join(root, file), 'utf8'));
function put(file: string, text: string): void {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), text);
}
/** Every file and folder with what is in it. */
function tree(): Readonly<Record<string, string>> {
  const entries = readdirSync(root, { recursive: true, withFileTypes: true }).map((entry) => {
    const path = join(entry.parentPath, entry.name);
    return [path.slice(root.length), entry.isDirectory() ? '' : readFileSync(path, 'utf8')] as const;
  });
  return Object.fromEntries(entries.sort());
}
async function makeAuthority(): Promise<string> {
  const enabled = await enableTls(join(root, 'data'), { now: new Date(), renew: false });
  const pem = readFileSync(enabled.files.authority.path, 'utf8');
  rmSync(join(root, 'data'), { recursive: true });
  return pem;
}

describe('policies for every user', () => {
  it('are in the place of each browser, for everybody to read', async () => {
    const authority = await makeAuthority();
    const { files, rivals } = installMachinePolicies(root, { origins: ORIGINS, authority });
    expect(rivals).toEqual([]);
    for (const folder of Object.values(MANAGED_FOLDERS)) {
      expect(json(`${folder}/kortd.json`)).toEqual({ LoopbackNetworkAllowedForUrls: ORIGINS });
      const base64 = authority.replaceAll(/-----.*-----|\s/g, '');
      expect(json(`${folder}/kortd-tls.json`)).toEqual({ CACertificates: [base64] });
    }
    expect(json(FIREFOX_FILE)).toEqual({
      policies: {
        LocalNetworkAccess: { Enabled: true, EnablePrompting: true, SkipDomains: ['ra.example.org', 'kiosk.example.org'] },
        Certificates: { Install: [AUTHORITY_FILE] },
      },
    });
    for (const file of files) expect(statSync(join(root, file)).mode & 0o777, file).toBe(0o644);
  });

  it('are gone without a trace, folders and all, when they are taken back', async () => {
    const authority = await makeAuthority();
    const before = tree();
    installMachinePolicies(root, { origins: ORIGINS, authority });
    installMachinePolicies(root, { origins: ['https://other.example.org'] });
    removeMachinePolicies(root);
    expect(tree()).toEqual(before);
    expect(removeMachinePolicies(root).files).toEqual([]);
  });

  it('leave what an administrator set in Firefox, also what came meanwhile', () => {
    const own = {
      policies: {
        DisableTelemetry: true,
        LocalNetworkAccess: { Enabled: true, SkipDomains: ['intranet.example.org', 'ra.example.org'] },
      },
    };
    put(FIREFOX_FILE, JSON.stringify(own));
    installMachinePolicies(root, { origins: ORIGINS });
    const during = json(FIREFOX_FILE) as typeof own;
    expect(during.policies.LocalNetworkAccess.SkipDomains).toEqual([
      'intranet.example.org',
      'ra.example.org',
      'kiosk.example.org',
    ]);
    during.policies.LocalNetworkAccess.SkipDomains.push('later.example.org');
    put(FIREFOX_FILE, JSON.stringify(during));
    removeMachinePolicies(root);
    own.policies.LocalNetworkAccess.SkipDomains.push('later.example.org');
    expect(json(FIREFOX_FILE)).toEqual(own);
  });

  it('of another origin take the place of those before', () => {
    installMachinePolicies(root, { origins: ORIGINS });
    installMachinePolicies(root, { origins: ['https://new.example.org'] });
    expect(json(FIREFOX_FILE)).toMatchObject({ policies: { LocalNetworkAccess: { SkipDomains: ['new.example.org'] } } });
    expect(json(`${MANAGED_FOLDERS.chromium}/kortd.json`)).toEqual({
      LoopbackNetworkAllowedForUrls: ['https://new.example.org'],
    });
  });

  it('name the file of somebody else that sets the same policy', () => {
    put(`${MANAGED_FOLDERS.edge}/office.json`, '{"LoopbackNetworkAllowedForUrls":["https://x.example"]}');
    expect(installMachinePolicies(root, { origins: ORIGINS }).rivals).toEqual([`${MANAGED_FOLDERS.edge}/office.json`]);
  });

  it.each(['{', '[]', '{"policies":[]}', 'x'.repeat(1_000_001)])(
    'are not installed beside a file of Firefox that is broken',
    (text) => {
      put(FIREFOX_FILE, text);
      const before = tree();
      expect(() => installMachinePolicies(root, { origins: ORIGINS })).toThrow('Nothing was changed');
      expect(tree()).toEqual(before);
    },
  );

  it('are not installed with a certificate that is none of an authority', () => {
    const before = tree();
    expect(() => installMachinePolicies(root, { origins: ORIGINS, authority: 'no certificate' })).toThrow(
      'reading the authority',
    );
    expect(tree()).toEqual(before);
  });
});
