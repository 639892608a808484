import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ServiceUnavailableError } from '../errors.ts';
import { startFakePcscd, type FakePcscd } from './fake-pcscd.ts';
import { createFakeWinScard } from './fake-winscard.ts';
import { openWinScard } from './open-winscard.ts';
import type { WinScard } from './winscard.ts';

const VERSION = 0x11;

let pcscd: FakePcscd;
let accepts: boolean;
let library: ReturnType<typeof createFakeWinScard>;
let loads: number;
let opened: WinScard[];

beforeEach(async () => {
  accepts = true;
  loads = 0;
  opened = [];
  pcscd = await startFakePcscd(() => accepts);
  library = createFakeWinScard('linux');
});

afterEach(async () => {
  for (const winscard of opened) winscard.close?.();
  await expect.poll(() => pcscd.connections).toBe(0);
  await pcscd[Symbol.asyncDispose]();
});

async function open(way?: string, platformName: NodeJS.Platform = 'linux'): Promise<WinScard> {
  const winscard = await openWinScard({
    environment: { ...pcscd.environment, ...(way === undefined ? {} : { KORTD_PCSC: way }) },
    platformName,
    loadLibrary: async () => {
      loads += 1;
      return Promise.resolve(library);
    },
  });
  opened.push(winscard);
  return winscard;
}

describe('openWinScard', () => {
  it('takes the socket where the service answers, and loads no library', async () => {
    const winscard = await open();
    expect((await winscard.establishContext()).result).toBe(0);
    expect({ connections: pcscd.connections, loads }).toEqual({ connections: 1, loads: 0 });
  });

  it.each([
    ['refuses the version', () => (accepts = false)],
    ['hangs up', () => pcscd.answer(VERSION, ({ socket }) => void socket.end())],
    ['answers what no request explains', () => pcscd.answer(VERSION, () => Buffer.alloc(40))],
  ])('takes the library where the service %s', async (_what, spoil) => {
    spoil();
    library.addReader('A');
    const winscard = await open();
    const { result, context } = await winscard.establishContext();
    expect(result).toBe(0);
    expect((await winscard.listReaders(context)).names).toEqual(['A']);
    expect(await winscard.releaseContext(context)).toBe(0);
    expect(library.openContexts).toBe(0);
  });

  it('decides again when the service was away', async () => {
    accepts = false;
    const winscard = await open();
    await winscard.releaseContext((await winscard.establishContext()).context);
    const asked = pcscd.minorVersions.length;
    await winscard.releaseContext((await winscard.establishContext()).context);
    expect(pcscd.minorVersions).toHaveLength(asked);
    library.stopService(0x8010001d);
    expect((await winscard.establishContext()).result).not.toBe(0);
    accepts = true;
    expect((await winscard.establishContext()).context).toBeLessThan(0n);
    expect({ connections: pcscd.connections, loads }).toEqual({ connections: 1, loads: 1 });
  });

  it('does not turn to the library when there is no service', async () => {
    const winscard = await openWinScard({
      environment: { PCSCLITE_CSOCK_NAME: `${pcscd.environment['PCSCLITE_CSOCK_NAME'] ?? ''}.not` },
      platformName: 'linux',
      loadLibrary: async () => Promise.reject(new Error('loaded')),
    });
    expect((await winscard.establishContext()).result).toBe(0x8010001d);
  });

  it('takes the way that is forced', async () => {
    expect(await open('library')).toBe(library);
    accepts = false;
    const socket = await open('socket');
    expect((await socket.establishContext()).result).toBe(0x8010001e);
    await expect(open('serial')).rejects.toThrow(ServiceUnavailableError);
    expect(await open('')).not.toBe(library);
  });

  it.each(['darwin', 'win32'] as const)('takes the library on %s', async (platformName) => {
    expect(await open(undefined, platformName)).toBe(library);
  });
});
