/** Over a real WebSocket: the driver against the simulated service. */
import { createVerify, X509Certificate, constants } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import {
  DeviceBusyError,
  DeviceError,
  DeviceProtocolError,
  DeviceRemovedError,
  DeviceTimeoutError,
  ServiceUnavailableError,
} from '../../errors.ts';
import { sampleSignature } from '../../simulated/pads/pen.ts';
import {
  serveSimulatedSignotec,
  type SignotecFault,
  type SimulatedSignotec,
  type SimulatedSignotecOptions,
  type SimulatedSignotecPad,
} from '../../simulated/pads/signotec.ts';
import type { PadDriver, PadEvent, PenSample, SignaturePad } from '../driver.ts';
import { createSignotecDriver, type SignotecOptions } from './driver.ts';

const never = new AbortController().signal;
const HASH = Uint8Array.from({ length: 32 }, (_, index) => index);

interface Bench extends AsyncDisposable {
  readonly service: SimulatedSignotec;
  readonly driver: PadDriver;
}

async function bench(simulated: SimulatedSignotecOptions = {}, options: Partial<SignotecOptions> = {}): Promise<Bench> {
  const service = await serveSimulatedSignotec(simulated);
  const driver = createSignotecDriver({ url: service.url, now: () => performance.now(), ...options });
  return {
    service,
    driver,
    [Symbol.asyncDispose]: async () => {
      await driver[Symbol.asyncDispose]();
      await until(() => service.connections === 0);
      await service[Symbol.asyncDispose]();
    },
  };
}

async function until(isSo: () => boolean): Promise<void> {
  const signal = AbortSignal.timeout(10_000);
  while (!isSo()) await wait(5, undefined, { signal });
}

async function openFirst({ driver }: Bench): Promise<SignaturePad> {
  const [description] = await driver.list({ signal: never });
  return await driver.open(description?.id ?? '', { signal: never });
}

function first({ service }: Bench): SimulatedSignotecPad {
  const [pad] = service.pads;
  if (!pad) throw new Error('the service has no pad');
  return pad;
}

interface Taken {
  readonly events: readonly PadEvent[];
  readonly error?: unknown;
}

/** What comes until the person at the pad has done, or the capture ended. */
async function captured(opened: SignaturePad, pad: SimulatedSignotecPad, person: () => Promise<void>): Promise<Taken> {
  const over = new AbortController();
  const events: PadEvent[] = [];
  const taking = (async (): Promise<void> => {
    for await (const event of opened.capture({ signal: over.signal, documentHash: HASH })) {
      events.push(event);
      if (event.kind === 'button' && event.button !== 'clear') over.abort();
    }
  })().then(
    () => ({ events }),
    (error: unknown) => ({ events, error }),
  );
  await Promise.race([until(() => pad.signature !== undefined), taking]);
  await person();
  return await taking;
}

function samples({ events }: Taken): readonly PenSample[] {
  return events.flatMap((event) => (event.kind === 'pen' ? [event.sample] : []));
}

function pointsFor(pad: SimulatedSignotecPad): ReturnType<typeof sampleSignature> {
  return sampleSignature({ widthMm: pad.areaMm.width, heightMm: pad.areaMm.height, points: 60 });
}

/** Signs, and presses OK. */
async function sign(desk: Bench, opened: SignaturePad): Promise<Taken> {
  const pad = first(desk);
  return await captured(opened, pad, async () => {
    await pad.write(pointsFor(pad));
    pad.press('accept');
  });
}

describe('a signotec pad', () => {
  it('is listed with what is known of it before it is open', async () => {
    await using desk = await bench();
    expect(await desk.driver.list({ signal: never })).toMatchObject([
      {
        id: 'signotec-gamma-1000001',
        driver: 'signotec',
        model: 'signotec Gamma',
        serialNumber: '1000001',
        firmware: '2.10',
        capabilities: { buttons: 'own', lineEncryption: 'vendor', timeSource: 'rate', pressureLevels: 1023 },
      },
    ]);
  });

  it('tells its size and rate when it is open', async () => {
    await using desk = await bench();
    await using opened = await openFirst(desk);
    const { areaMm, rateHz, screen } = opened.description.capabilities;
    expect([areaMm.width.toFixed(1), areaMm.height.toFixed(1), rateHz, screen]).toEqual([
      '108.1',
      '64.9',
      280,
      { widthPx: 800, heightPx: 480, colour: 'rgb565' },
    ]);
  });

  it('gives what was written in millimetres and order, with a new stroke at each point without pressure', async () => {
    await using desk = await bench();
    await using opened = await openFirst(desk);
    const taken = await sign(desk, opened);
    const written = pointsFor(first(desk)).filter(({ pressure }) => pressure !== undefined);
    const found = samples(taken);
    expect(taken.error).toBeUndefined();
    expect(found.map(({ sequence }) => sequence)).toEqual(written.map((_, index) => index));
    for (const [index, { xMm, yMm }] of found.entries()) {
      expect(Math.abs(xMm - (written[index]?.xMm ?? 0))).toBeLessThan(0.02);
      expect(Math.abs(yMm - (written[index]?.yMm ?? 0))).toBeLessThan(0.02);
    }
    expect(found.filter(({ isDown }) => !isDown)).toHaveLength(3);
    for (const [index, { timeMs }] of found.entries()) expect(timeMs).toBeGreaterThan(found[index - 1]?.timeMs ?? -1);
    expect(taken.events.at(-1)).toEqual({ kind: 'button', button: 'accept' });
  });

  it('is given the hash of the document before the first point, and states what was signed', async () => {
    await using desk = await bench({}, { encryptionCertificate: 'AAAA' });
    await using opened = await openFirst(desk);
    let given: unknown;
    const pad = first(desk);
    const { events } = await captured(opened, pad, async () => {
      given = pad.signature;
      await pad.write(pointsFor(pad));
      pad.press('accept');
    });
    expect(given).toMatchObject({
      TOKEN_PARAM_PAD_ENCRYPTION: 'TRUE',
      TOKEN_PARAM_DOCHASH: Buffer.from(HASH).toString('base64'),
      TOKEN_PARAM_ENCRYPTION_CERT: 'AAAA',
    });
    const statement = attestationOf(events);
    expect(statement['encryptedTo']).toBe('CN=simulated,1');
    const certificate = new X509Certificate(Buffer.from(String(statement['signingCertificate']), 'base64'));
    const isValid = createVerify('sha256')
      .update(Buffer.from(String(statement['signData']), 'base64'))
      .update(HASH)
      .verify(
        { key: certificate.publicKey, padding: constants.RSA_PKCS1_PSS_PADDING },
        Buffer.from(String(statement['rsaSignature']), 'base64'),
      );
    expect(isValid).toBe(true);
  });

  it('keeps signature data that are encrypted to nobody', async () => {
    await using desk = await bench();
    await using opened = await openFirst(desk);
    const statement = attestationOf((await sign(desk, opened)).events);
    expect(Object.keys(statement).sort()).toEqual(['documentHash', 'rsaScheme', 'rsaSignature', 'signingCertificate']);
  });

  it('that cannot sign is asked for nothing of it', async () => {
    await using desk = await bench({ pads: [{ capabilities: 0x1 }] });
    await using opened = await openFirst(desk);
    const pad = first(desk);
    let given: unknown;
    const { events } = await captured(opened, pad, async () => {
      given = pad.signature;
      await pad.write(pointsFor(pad));
      pad.press('accept');
    });
    expect(given).toEqual(expect.not.objectContaining({ TOKEN_PARAM_DOCHASH: expect.anything() as unknown }));
    expect(given).toMatchObject({ TOKEN_PARAM_PAD_ENCRYPTION: 'FALSE' });
    expect(events.some(({ kind }) => kind === 'attestation')).toBe(false);
    expect(events.at(-1)).toEqual({ kind: 'button', button: 'accept' });
  });

  it('takes no OK before anything is written', async () => {
    await using desk = await bench();
    await using opened = await openFirst(desk);
    const pad = first(desk);
    const taken = await captured(opened, pad, async () => {
      pad.press('accept');
      await pad.write(pointsFor(pad));
      pad.press('accept');
    });
    expect(samples(taken).length).toBeGreaterThan(0);
    expect(taken.events.filter(({ kind }) => kind === 'button')).toHaveLength(1);
  });

  it('shows text as a picture of its own size, and refuses one that does not fit', async () => {
    await using desk = await bench();
    await using opened = await openFirst(desk);
    await opened.show?.({ text: 'Jag har fått mitt kort', buttons: [] }, { signal: never });
    const pad = first(desk);
    let image = '';
    await captured(opened, pad, async () => {
      image = String(pad.signature?.['TOKEN_PARAM_PAD_DIALOG_IMAGE']);
      await Promise.resolve();
      pad.press('cancel');
    });
    const png = Buffer.from(image, 'base64');
    expect([png.toString('latin1', 1, 4), png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual(['PNG', 800, 480]);
    await expect(opened.show?.({ text: 'mycket text '.repeat(2000), buttons: [] }, { signal: never })).rejects.toBeInstanceOf(
      DeviceError,
    );
  });

  it('begins again when the ink is taken away, and samples go on', async () => {
    await using desk = await bench();
    await using opened = await openFirst(desk);
    const pad = first(desk);
    const taken = await captured(opened, pad, async () => {
      await pad.write(pointsFor(pad));
      pad.press('clear');
      await opened.clear({ signal: never });
      await pad.write(pointsFor(pad));
      pad.press('accept');
    });
    const count = pointsFor(pad).filter(({ pressure }) => pressure !== undefined).length;
    expect(samples(taken).map(({ sequence }) => sequence)).toEqual(Array.from({ length: 2 * count }, (_, index) => index));
    expect(taken.events.flatMap((event) => (event.kind === 'button' ? [event.button] : []))).toEqual(['clear', 'accept']);
    expect(taken.events.some(({ kind }) => kind === 'lost')).toBe(false);
  });

  it('tells the cancel button', async () => {
    await using desk = await bench();
    await using opened = await openFirst(desk);
    const pad = first(desk);
    const { events } = await captured(opened, pad, async () => {
      await Promise.resolve();
      pad.press('cancel');
    });
    expect(events).toEqual([{ kind: 'button', button: 'cancel' }]);
    await until(() => pad.signature === undefined);
  });
});

describe('a fault of the service', () => {
  it.each<readonly [string, SignotecFault, number]>([
    ['a point that it never told', { kind: 'losePoint', at: 20 }, 1],
    ['the last point', { kind: 'losePoint', at: 60 }, 1],
  ])('%s is told as lost', async (_, fault, missing) => {
    await using desk = await bench({ faults: [fault] });
    await using opened = await openFirst(desk);
    const { events } = await sign(desk, opened);
    expect(events.filter(({ kind }) => kind === 'lost')).toEqual([{ kind: 'lost', samples: missing }]);
    expect(events.at(-1)).toEqual({ kind: 'button', button: 'accept' });
  });

  it.each([1, 10, 60])('an unplugged pad at point %i ends the capture with DeviceRemovedError', async (at) => {
    await using desk = await bench({ faults: [{ kind: 'unplug', at }] });
    await using opened = await openFirst(desk);
    const { error } = await sign(desk, opened);
    expect(error).toBeInstanceOf(DeviceRemovedError);
    await expect(opened.clear({ signal: never })).rejects.toBeInstanceOf(DeviceRemovedError);
    await opened[Symbol.asyncDispose]();
    expect(await desk.driver.list({ signal: never })).toEqual([]);
  });

  it('an unplugged pad that is open and idle cannot be captured from', async () => {
    await using desk = await bench();
    await using opened = await openFirst(desk);
    desk.service.unplug(first(desk));
    await wait(50);
    const { error } = await captured(opened, first(desk), () => Promise.resolve());
    expect(error).toBeInstanceOf(DeviceRemovedError);
  });

  it.each<readonly [string, SignotecFault, new (...rest: never[]) => Error]>([
    ['a point without coordinates', { kind: 'badPoint', at: 5 }, DeviceProtocolError],
    ['an error event', { kind: 'error', at: 5, code: -99 }, DeviceError],
    ['a refused start', { kind: 'returnCode', command: 'SIGNATURE_START', code: -5 }, DeviceError],
    ['a refused end', { kind: 'returnCode', command: 'SIGNATURE_CONFIRM', code: -5 }, DeviceError],
    ['a refused statement', { kind: 'returnCode', command: 'SIGNATURE_SIGN_DATA', code: -5 }, DeviceError],
    ['a connection that ends at the start', { kind: 'drop', command: 'SIGNATURE_START' }, ServiceUnavailableError],
    ['a connection that ends at the end', { kind: 'drop', command: 'SIGNATURE_CONFIRM' }, ServiceUnavailableError],
    ['an answer that is no message', { kind: 'garbage', command: 'SIGNATURE_CONFIRM', text: '<html>' }, DeviceProtocolError],
    ['an answer without bounds', { kind: 'huge', command: 'SIGNATURE_CONFIRM', bytes: 5_000_000 }, ServiceUnavailableError],
  ])('%s ends the capture with its error, and no signature', async (_, fault, expected) => {
    await using desk = await bench({ faults: [fault] });
    await using opened = await openFirst(desk);
    const { error, events } = await sign(desk, opened);
    expect(error).toBeInstanceOf(expected);
    expect(events.some((event) => event.kind === 'button')).toBe(false);
  });

  it.each<readonly [string, SignotecFault, new (...rest: never[]) => Error]>([
    ['refuses the pad', { kind: 'returnCode', command: 'OPEN_PAD', code: -23 }, DeviceError],
    ['goes', { kind: 'drop', command: 'OPEN_PAD' }, ServiceUnavailableError],
    ['talks nonsense', { kind: 'garbage', command: 'OPEN_PAD', text: '{}{' }, DeviceProtocolError],
  ])('that %s is an error of opening, and leaves no connection', async (_, fault, expected) => {
    await using desk = await bench({ faults: [fault] });
    await expect(openFirst(desk)).rejects.toBeInstanceOf(expected);
    await until(() => desk.service.connections === 1);
  });

  it('has the meaning that the configuration gives to its code', async () => {
    await using desk = await bench(
      { faults: [{ kind: 'returnCode', command: 'OPEN_PAD', code: -23 }] },
      { returnCodes: { '-23': 'busy' } },
    );
    await expect(openFirst(desk)).rejects.toBeInstanceOf(DeviceBusyError);
  });

  it('is waited for so long and no longer', async () => {
    await using desk = await bench({ faults: [{ kind: 'mute', command: 'GET_SERVER_VERSION' }] });
    const startMs = performance.now();
    await expect(desk.driver.list({ signal: never })).rejects.toBeInstanceOf(DeviceTimeoutError);
    expect(performance.now() - startMs).toBeLessThan(12_000);
  });

  it('is given up when the signal fires', async () => {
    await using desk = await bench({ faults: [{ kind: 'mute', command: 'GET_SERVER_VERSION' }] });
    await expect(desk.driver.list({ signal: AbortSignal.timeout(50) })).rejects.toHaveProperty('name', 'TimeoutError');
  });
});

describe('the driver', () => {
  it('tries a service that is not there again, later and later', async () => {
    let nowMs = 0;
    const service = await serveSimulatedSignotec();
    const { url } = service;
    await service[Symbol.asyncDispose]();
    await using driver = createSignotecDriver({ url, now: () => nowMs });
    await expect(driver.list({ signal: never })).rejects.toBeInstanceOf(ServiceUnavailableError);
    await using back = await serveSimulatedSignotec({ port: Number(new URL(url).port) });
    expect(await driver.list({ signal: never })).toEqual([]);
    nowMs = 1001;
    expect(await driver.list({ signal: never })).toHaveLength(1);
    expect(back.connections).toBe(1);
  });

  it('keeps two pads apart', async () => {
    await using desk = await bench({ pads: [{ serialNumber: '1' }, { serialNumber: '2', type: 1 }] });
    const list = await desk.driver.list({ signal: never });
    expect(list.map(({ id }) => id)).toEqual(['signotec-gamma-1', 'signotec-sigma-2']);
    const taken = await Promise.all(
      list.map(async ({ id }, index) => {
        await using opened = await desk.driver.open(id, { signal: never });
        const pad = desk.service.pads[index];
        if (!pad) throw new Error('the service has too few pads');
        return await captured(opened, pad, async () => {
          await pad.write(pointsFor(pad).slice(0, 20 + index));
          pad.press('accept');
        });
      }),
    );
    expect(taken.map((each) => samples(each).length)).toEqual([20, 21]);
  });

  it('opens a pad once, and again when it was closed', async () => {
    await using desk = await bench();
    const opened = await openFirst(desk);
    await expect(desk.driver.open('signotec-gamma-1000001', { signal: never })).rejects.toBeInstanceOf(DeviceBusyError);
    await opened[Symbol.asyncDispose]();
    const again = await openFirst(desk);
    await again[Symbol.asyncDispose]();
    await expect(desk.driver.open('signotec-gamma-7', { signal: never })).rejects.toBeInstanceOf(DeviceRemovedError);
  });

  it('knows a pad at another place by its serial number', async () => {
    await using desk = await bench({ pads: [{ serialNumber: '1' }, { serialNumber: '2' }] });
    await desk.driver.list({ signal: never });
    desk.service.unplug(first(desk));
    await using opened = await desk.driver.open('signotec-gamma-2', { signal: never });
    expect(desk.service.pads[1]?.holder).toBeDefined();
    expect(opened.description.serialNumber).toBe('2');
  });
});

function attestationOf(events: readonly PadEvent[]): Readonly<Record<string, unknown>> {
  const attestation = events.find((event) => event.kind === 'attestation');
  if (attestation?.kind !== 'attestation') throw new Error('the pad states nothing');
  return JSON.parse(Buffer.from(attestation.bytes).toString('utf8')) as Readonly<Record<string, unknown>>;
}
