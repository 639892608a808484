import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { POLICY_PLACES, browserPolicy, whereToPut, type PolicyBrowser, type PolicyFormat } from './browser-policy.ts';

const TEMPLATES = join(import.meta.dirname, '..', '..', 'installer', 'browser-policies');
const PAGE = 'https://ra.example.org';
const BROWSERS = Object.keys(POLICY_PLACES) as PolicyBrowser[];

const files = BROWSERS.flatMap((browser): [string, PolicyBrowser, PolicyFormat][] => [
  [`${browser}.json`, browser, 'json'],
  ...('registryKey' in POLICY_PLACES[browser]
    ? [[`${browser}.reg`, browser, 'reg'] as [string, PolicyBrowser, PolicyFormat]]
    : []),
]);

describe('the templates of the installer', () => {
  it.each(files)('%s is what the command prints', (file, browser, format) => {
    const read = (text: string): unknown => (format === 'json' ? JSON.parse(text) : text); // whatever the formatter does to JSON
    expect(read(readFileSync(join(TEMPLATES, file), 'utf8'))).toEqual(read(browserPolicy(browser, format, [PAGE])));
  });

  it('are all there, and each is in their README with its place', () => {
    const names = readdirSync(TEMPLATES).sort();
    expect(names).toEqual(['README.md', ...files.map(([file]) => file)].sort());
    const readme = readFileSync(join(TEMPLATES, 'README.md'), 'utf8');
    for (const [file] of files) expect(readme).toContain(`\`${file}\``);
    for (const place of Object.values(POLICY_PLACES)) {
      expect(readme).toContain(`\`${place.file}\``);
      if ('registryKey' in place) expect(readme).toContain(`\`${place.registryKey.replace('HKEY_LOCAL_MACHINE', 'HKLM')}\``);
    }
  });
});

describe('browserPolicy', () => {
  it('lists every origin once, for Chromium as it is and for Firefox by its host', () => {
    const origins = [PAGE, 'https://b.example:8443', 'https://b.example', PAGE];
    expect(JSON.parse(browserPolicy('edge', 'json', origins))).toEqual({
      LoopbackNetworkAllowedForUrls: [PAGE, 'https://b.example:8443', 'https://b.example'],
    });
    expect(JSON.parse(browserPolicy('firefox', 'json', origins))).toEqual({
      policies: { LocalNetworkAccess: { Enabled: true, EnablePrompting: true, SkipDomains: ['ra.example.org', 'b.example'] } },
    });
    expect(browserPolicy('chrome', 'reg', origins).split('\r\n')).toEqual([
      'Windows Registry Editor Version 5.00',
      '',
      '[HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies\\Google\\Chrome\\LoopbackNetworkAllowedForUrls]',
      `"1"="${PAGE}"`,
      '"2"="https://b.example:8443"',
      '"3"="https://b.example"',
      '',
    ]);
  });

  it.each([
    'http://ra.example.org',
    'https://ra.example.org/',
    'ra.example.org',
    'https://127.0.0.1',
    'https://[::1]:8443',
    'https://localhost',
    'https://app.localhost',
    '*',
    'null',
    'https://ra.example.org"\r\n"2"="https://evil.example',
  ])('refuses %j for every browser', (origin) => {
    for (const browser of BROWSERS)
      expect(() => browserPolicy(browser, 'json', [PAGE, origin])).toThrow(/origin|names this computer/);
  });

  it('has no registry file for Firefox', () => {
    expect(() => browserPolicy('firefox', 'reg', [PAGE])).toThrow(/JSON file on Windows too/);
  });

  it.each(files)('tells in two languages where %s belongs', (_, browser, format) => {
    expect(whereToPut(browser, format)).toHaveLength(2);
    for (const line of whereToPut(browser, format))
      expect(line).toContain(format === 'reg' ? 'kortd.reg' : POLICY_PLACES[browser].file);
  });
});
