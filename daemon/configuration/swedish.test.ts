import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readPolicy } from '../access/policy.ts';
import { readConfigurations } from '../scanners/configuration-file.ts';
import { inSwedish } from './swedish.ts';

let folder = '';
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'kortd-swedish-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** What the check of a real file says. */
function refusalOf(policy: string, mode = 0o600): string {
  writeFileSync(join(folder, '10.json'), policy, { mode });
  return readPolicy(folder).problems[0]?.problem ?? '';
}

it.each([
  ['{"pin":{"wrongPerDay":99}}', '/pin/wrongPerDay måste vara <= 10'],
  ['{"pin":{"wrongPerDay":"x"}}', '/pin/wrongPerDay måste vara ett heltal'],
  ['{"audit":[]}', '/audit måste vara ett objekt'],
  ['{"surprise":1}', '/surprise får inte finnas där'],
  ['{"origins":[{"origin":"https://a.example"}]}', '/origins/0 måste ha scopes'],
  [
    '{"origins":[{"origin":"http://a.example","scopes":["card.read"]}]}',
    'webbplatsen http://a.example kan inte få rättigheter: not https',
  ],
  ['{"developmentOrigins":["https://a.example"]}', 'developmentOrigins: https://a.example är ingen http-webbplats'],
  ['{"timeStamp":{"url":"ftp://a.example"}}', 'timeStamp.url: ftp://a.example är ingen http- eller https-adress'],
])('a policy file %s is refused in Swedish', (policy, sv) => {
  expect(inSwedish(refusalOf(policy))).toBe(sv);
});

it('a file of policy that is no JSON, or that others can write', () => {
  expect(inSwedish(refusalOf('{'))).toMatch(/^det är inte JSON \(/);
  rmSync(join(folder, '10.json'));
  expect(inSwedish(refusalOf('{}', 0o600))).toBe('');
  expect(inSwedish('others than its owner can write it')).toBe('andra än dess ägare kan skriva i den');
});

it('a file of scanners', () => {
  const swedish = (content: object): string => {
    writeFileSync(join(folder, 'scanners.json'), JSON.stringify(content), { mode: 0o600 });
    return inSwedish(readConfigurations(folder).problem?.problem ?? '');
  };
  expect(swedish({ scanners: [{ name: 'x', driver: 'none' }] })).toMatch(
    /^\/scanners\/0\/driver: den drivrutinen finns inte \(det finns: .*serial-mrz/,
  );
  expect(swedish({ scanners: 1 })).toBe('/scanners: måste vara en lista');
});

it('what nobody knows a form of is told as it came', () => {
  expect(inSwedish('something else')).toBe('something else');
});
