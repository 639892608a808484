import { describe, expect, it } from 'vitest';
import { DeviceRemovedError, DeviceTimeoutError } from '../../errors.ts';
import type { SerialLines, SerialListener, SerialPortDescription } from '../../ports/serial-line.ts';
import type { ScannerDriver } from '../driver.ts';
import { openSerialDriver } from './driver.ts';
import { FRAMINGS } from './framings.ts';
import { Joining, linesOf } from './joining.ts';

const ZONE = ['P<UTOTESTSSON<<EVA<LINNEA<<<<<<<<<<<<<<<<<<<', 'T123456787UTO8002147F3001019198002141234<<14'];
const SWIPE = `\u0002${ZONE[0] ?? ''}\r${ZONE[1] ?? ''}\r\u0003`;

/** A line in memory; real ones are below `serialport` in test/devices. */
class FakeLines implements SerialLines {
  ports: readonly SerialPortDescription[] = [{ path: '/dev/ttyACM0', vendorId: '0db5', productId: '0138', serialNumber: 'A1' }];
  listener: SerialListener | undefined;
  readonly written: string[] = [];
  onWrite: (() => void) | undefined;
  list = () => Promise.resolve(this.ports);
  exists = (path: string) => Promise.resolve(this.ports.some((port) => port.path === path));
  open: SerialLines['open'] = (path, _settings, { listener }) => {
    this.listener = listener;
    const write = (bytes: Uint8Array): Promise<void> => {
      this.written.push(Buffer.from(bytes).toString('hex'));
      this.onWrite?.();
      return Promise.resolve();
    };
    return Promise.resolve({ path, write, [Symbol.asyncDispose]: () => Promise.resolve() });
  };
  say(text: string): void {
    this.listener?.bytes(Buffer.from(text, 'latin1'));
  }
}

async function ready(driver: ScannerDriver): Promise<void> {
  await new Promise<void>((resolve) => driver.watch(() => driver.list()[0]?.status === 'ready' && resolve()));
}

function scan(driver: ScannerDriver, onWaiting: () => void, timeoutMs = 5_000): Promise<unknown> {
  const signal = new AbortController().signal;
  const onProgress = ({ stage }: { readonly stage: string }): void => {
    if (stage === 'waiting') onWaiting();
  };
  return driver.scan('reader', { signal, timeoutMs, readsChip: true, images: [], onProgress }).then(({ report }) => report);
}

describe('a reader of zones', () => {
  it('is found by its USB ids, read in any pieces behind noise, and triggered as its row says', async () => {
    const lines = new FakeLines();
    await using driver = await openSerialDriver('x', { framing: 'access-is-swipe' }, lines);
    await ready(driver);
    expect(driver.list()[0]).toMatchObject({ status: 'ready', serialNumber: 'A1' });
    const report = scan(driver, () => {
      lines.say('\u0000noise\u0002P<UTO broken off');
      for (const character of SWIPE) lines.say(character);
    });
    expect(await report).toEqual({ outcome: 'complete', mrz: { lines: ZONE, source: 'optical' } });
  });

  it('without an end mark is read when the line is silent', async () => {
    const lines = new FakeLines();
    await using driver = await openSerialDriver('x', { framing: 'honeywell-menu', path: '/dev/ttyACM0', idleMs: 30 }, lines);
    await ready(driver);
    expect(await scan(driver, () => lines.say(`${ZONE.join('\r\n')}\r\n`))).toMatchObject({ mrz: { lines: ZONE } });
    expect(lines.written).toEqual(['16540d', '16550d']);
  });

  it('passes over what is no zone, and tells the last of it when time is up', async () => {
    const lines = new FakeLines();
    await using driver = await openSerialDriver('x', { framing: 'access-is-swipe' }, lines);
    await ready(driver);
    const short = [ZONE[0] ?? '', 'T1234'];
    expect(await scan(driver, () => lines.say(`\u0002${short.join('\r')}\r\u0003`), 300)).toMatchObject({
      mrz: { lines: short },
    });
    await expect(scan(driver, () => undefined, 200)).rejects.toThrow(DeviceTimeoutError);
  });

  it('that is unplugged ends its scan, and is found again under another path', async () => {
    const lines = new FakeLines();
    await using driver = await openSerialDriver('x', { framing: 'access-is-swipe' }, lines);
    await ready(driver);
    const gone = scan(driver, () => {
      const { listener } = lines;
      lines.say('\u0002P<UTO');
      lines.ports = [{ ...lines.ports[0], path: '/dev/ttyACM7' }];
      listener?.gone(new DeviceRemovedError('reading /dev/ttyACM0: gone'));
    });
    await expect(gone).rejects.toThrow(DeviceRemovedError);
    expect(driver.list()[0]?.status).toBe('gone');
    await expect.poll(() => driver.list()[0]?.status, { timeout: 10_000 }).toBe('ready');
    expect(await scan(driver, () => lines.say(SWIPE))).toMatchObject({ mrz: { lines: ZONE } });
  });

  it('that nobody asked reads nothing into the next scan', async () => {
    const lines = new FakeLines();
    await using driver = await openSerialDriver('x', { framing: 'access-is-swipe' }, lines);
    await ready(driver);
    lines.say(SWIPE.replaceAll('TESTSSON', 'OTHERSON'));
    expect(await scan(driver, () => lines.say(SWIPE))).toMatchObject({ mrz: { lines: ZONE } });
  });

  it('must be said where it is, when its row has no USB ids', async () => {
    await expect(openSerialDriver('x', { framing: 'plain-crlf' })).rejects.toThrow('give path or usb');
  });
});

describe('joining', () => {
  it('reads answers of type, length and value, out of step or in pieces', () => {
    const joining = new Joining(FRAMINGS['elyctis-idbox']);
    const text = Buffer.from(ZONE.join('\r'), 'latin1');
    const answer = Buffer.concat([Buffer.of(0x49, 0, text.length), text]);
    expect(joining.add(Buffer.concat([Buffer.of(0x11, 0x22), answer.subarray(0, 10)]))).toEqual([]);
    expect(joining.add(answer.subarray(10)).map(linesOf)).toEqual([ZONE]);
  });

  it('drops a reading that grows beyond any zone, and reads the next', () => {
    const joining = new Joining(FRAMINGS['access-is-swipe']);
    expect(joining.add(Buffer.alloc(2_000_000, 0x41))).toEqual([]);
    expect(joining.add(Buffer.from(SWIPE, 'latin1')).map(linesOf)).toEqual([ZONE]);
  });

  it('cuts a zone without anything between its lines', () => {
    expect(linesOf(ZONE.join(''))).toEqual(ZONE);
    expect(linesOf('x'.repeat(90))).toHaveLength(3);
    expect(linesOf('ABC')).toEqual(['ABC']);
  });
});
