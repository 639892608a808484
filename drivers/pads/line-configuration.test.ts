import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Value } from 'typebox/value';
import { expect, it } from 'vitest';
import { SimulatedSerialLines } from '../simulated/ports/serial-lines.ts';
import { checkLinePads, createLinePadDrivers, SignotecSection, type LinePads } from './line-configuration.ts';

const options = { lines: new SimulatedSerialLines(), now: () => 0 };

it('Topaz pads are looked for without a word of them, signotec’s service only when it is named', async () => {
  const ids = (drivers: ReturnType<typeof createLinePadDrivers>): readonly string[] => drivers.map(({ id }) => id);
  expect(ids(createLinePadDrivers({}, options))).toEqual(['topaz']);
  const both = createLinePadDrivers({ signotec: { url: 'wss://local.signotecwebsocket.de:49494' } }, options);
  expect(ids(both)).toEqual(['topaz', 'signotec']);
  for (const driver of both) await driver[Symbol.asyncDispose]();
});

it.each<readonly [LinePads, string]>([
  [{ topaz: [{}] }, 'either a path or a serialNumber'],
  [{ topaz: [{ path: 'COM3', serialNumber: 'A1' }] }, 'either a path or a serialNumber'],
  [{ topaz: [{ path: 'COM3', model: 'siggem' }] }, 'there is no model siggem'],
  [{ serialStu: [{ model: 'STU-540' }] }, 'either a path or a serialNumber'],
  [{ signotec: { url: 'wss://192.0.2.1:49494' } }, 'is not this machine'],
  [{ signotec: { url: 'ws://pads.example:49494', isRemote: true } }, 'has no TLS'],
  [{ signotec: { url: 'wss://localhost:49494', authorityFile: 'ca.pem' } }, 'no absolute path'],
])('%j is refused: %s', (section, problem) => {
  expect(() => checkLinePads(section)).toThrow(problem);
});

it('the files that are named are read', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kortd-pads-'));
  try {
    writeFileSync(join(folder, 'certificate.der'), 'certificate');
    const signotec = { url: 'wss://localhost:49494', encryptionCertificateFile: join(folder, 'certificate.der') };
    expect(createLinePadDrivers({ signotec }, options)).toHaveLength(2);
    expect(() => createLinePadDrivers({ signotec: { ...signotec, authorityFile: join(folder, 'none.pem') } }, options)).toThrow(
      /ENOENT/,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it('what means nothing is refused by the schema', () => {
  const url = 'wss://localhost:49494';
  expect(Value.Check(SignotecSection, { url, returnCodes: { '-23': 'busy' }, fingerprint256: 'AB:'.repeat(31) + 'AB' })).toBe(
    true,
  );
  for (const wrong of [
    { url, returnCodes: { '23': 'busy' } },
    { url, fingerprint256: 'AB' },
    { url: 'http://localhost' },
    { url, other: 1 },
  ])
    expect(Value.Check(SignotecSection, wrong)).toBe(false);
});
