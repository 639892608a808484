import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseHex } from '../../apdu/bytes.ts';
import type { CardConnection } from '../../apdu/card-connection.ts';
import type { CardRecord } from '../desk/records.ts';
import { silentLog } from '../log.ts';
import { TraceRecorder, type StoppedTrace } from './recorder.ts';
import { parseTrace } from './text.ts';
import type { TraceSink } from './trace-file.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kortd-trace-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** As much of a card as a trace looks at. */
function makeCard(id = 'card-1'): CardRecord {
  const reader = { id: 'reader-1', name: 'Reader', source: { id: 'simulated' }, role: undefined };
  return { id, atr: parseHex('3B00'), reader } as unknown as CardRecord;
}

function makeConnection(): CardConnection {
  return {
    atr: parseHex('3B00'),
    supportsExtendedLength: true,
    transmit: () => Promise.resolve(parseHex('9000')),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

describe('a recorder', () => {
  it('gives the connection itself while no trace runs', () => {
    using recorder = new TraceRecorder({ folder, log: silentLog });
    const connection = makeConnection();
    expect(recorder.tap<CardConnection>(makeCard(), connection, undefined)).toBe(connection);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('stops at its size, with the transaction that is open cut, and leaves the card alone', async () => {
    const ended: StoppedTrace[] = [];
    using recorder = new TraceRecorder({ folder, log: silentLog, maxBytes: 2_000, onEnd: (trace) => ended.push(trace) });
    const { file } = recorder.start({});
    await using connection = recorder.tap<CardConnection>(makeCard(), makeConnection(), undefined);
    for (let count = 0; count < 500; count++) await connection.transmit(parseHex('00A4000C023F00'), { sensitive: true });
    expect(await connection.transmit(parseHex('00A4000C023F00'))).toEqual(parseHex('9000'));
    await using later = recorder.tap<CardConnection>(makeCard('card-2'), makeConnection(), undefined);
    await later.transmit(parseHex('00A4000C023F00'));
    recorder[Symbol.dispose]();
    const text = readFileSync(join(folder, file), 'utf8');
    expect(text.length).toBeLessThan(40_000);
    expect(ended).toHaveLength(1);
    expect(parseTrace(text).entries.at(-1)).toMatchObject({ kind: 'stopped' });
  });

  it('ends the trace alone when the file cannot be written to', async () => {
    const ended: StoppedTrace[] = [];
    let full = false;
    const createFile = (): TraceSink => ({
      ...{ name: 'trace.txt', bytes: 0, close: () => undefined },
      append: () => {
        if (full) throw new Error('ENOSPC: no space left on device, write');
      },
    });
    using recorder = new TraceRecorder({ folder, log: silentLog, createFile, onEnd: (trace) => ended.push(trace) });
    recorder.start({});
    full = true;
    {
      await using connection = recorder.tap<CardConnection>(makeCard(), makeConnection(), undefined);
      expect(await connection.transmit(parseHex('00A4000C023F00'))).toEqual(parseHex('9000'));
    }
    expect(ended).toMatchObject([{ reason: 'disk' }]);
    expect(recorder.state).toBeUndefined();
  });
});
