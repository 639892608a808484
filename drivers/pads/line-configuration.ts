/**
 * Pads that cannot be found by themselves, as an administrator names them: lines that have a pad behind them, and signotec's service. A schema, and the drivers
 * that come of it. Their libraries are loaded with the first use.
 */
import { readFileSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import Type, { type Static } from 'typebox';
import type { HidPorts } from '../ports/hid-port.ts';
import type { SerialLines } from '../ports/serial-line.ts';
import type { PadDriver } from './driver.ts';
import { checkAddress } from './signotec/connection.ts';
import { createSignotecDriver } from './signotec/driver.ts';
import { createSerialStuPorts } from './stu/serial-ports.ts';
import { createTopazDriver } from './topaz/driver.ts';
import { TOPAZ_MODELS } from './topaz/models.ts';

const strict = { additionalProperties: false } as const;
const Name = Type.String({ minLength: 1, maxLength: 200 });
const File = Type.String({ minLength: 1, maxLength: 4_096 });
const MAX_LINES = 16;

export const TopazSection = Type.Array(
  Type.Object(
    {
      path: Type.Optional(Name),
      serialNumber: Type.Optional(Name),
      model: Type.Optional(Name),
      rateHz: Type.Optional(Type.Number({ minimum: 10, maximum: 2_000 })),
      hasPressure: Type.Optional(Type.Boolean()),
    },
    strict,
  ),
  { maxItems: MAX_LINES },
);

export const SerialStuSection = Type.Array(
  Type.Object(
    {
      path: Type.Optional(Name),
      serialNumber: Type.Optional(Name),
      model: Type.Enum(['STU-430V', 'STU-540'] as const),
      plug: Type.Optional(Type.Enum(['usb', 'rs-232'] as const)),
    },
    strict,
  ),
  { maxItems: MAX_LINES },
);

export const SignotecSection = Type.Object(
  {
    url: Type.String({ pattern: '^wss?://', maxLength: 200 }),
    /** PEM file of the authority that vouches for the service. */
    authorityFile: Type.Optional(File),
    fingerprint256: Type.Optional(Type.String({ pattern: '^([0-9A-Fa-f]{2}:?){32}$' })),
    isRemote: Type.Optional(Type.Boolean()),
    padSubset: Type.Optional(Name),
    /** DER file of the certificate that pads encrypt signature data to. */
    encryptionCertificateFile: Type.Optional(File),
    rsaScheme: Type.Optional(Type.Enum(['NO_HASH_OID', 'PKCS1_V1_5', 'PSS'] as const)),
    returnCodes: Type.Optional(
      Type.Record(Type.String({ pattern: '^-\\d{1,9}$' }), Type.Enum(['removed', 'busy'] as const), strict),
    ),
    pressureLevels: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535 })),
  },
  strict,
);

export interface LinePads {
  readonly topaz?: Static<typeof TopazSection>;
  readonly serialStu?: Static<typeof SerialStuSection>;
  readonly signotec?: Static<typeof SignotecSection>;
}

/** Throws Error for what the schema cannot say. */
export function checkLinePads({ topaz = [], serialStu = [], signotec }: LinePads): void {
  for (const { path, serialNumber, model } of topaz) {
    requireOne('topaz', path, serialNumber);
    if (model !== undefined && !TOPAZ_MODELS.some(({ id }) => id === model))
      throw new Error(`topaz: there is no model ${model} (there is: ${TOPAZ_MODELS.map(({ id }) => id).join(', ')})`);
  }
  for (const { path, serialNumber } of serialStu) requireOne('serialStu', path, serialNumber);
  if (!signotec) return;
  checkAddress(signotec);
  for (const file of [signotec.authorityFile, signotec.encryptionCertificateFile])
    if (file !== undefined && !isAbsolute(file)) throw new Error(`signotec: ${file} is no absolute path`);
}

export interface LinePadOptions {
  readonly lines: SerialLines;
  /** Milliseconds that never go back. */
  readonly now: () => number;
}

/** Topaz pads are looked for even when none is configured: some converters bear the vendor's name. Reads the files that are named. */
export function createLinePadDrivers({ topaz = [], signotec }: LinePads, { lines, now }: LinePadOptions): readonly PadDriver[] {
  const drivers = [createTopazDriver({ lines, now, ports: topaz })];
  if (!signotec) return drivers;
  const { authorityFile, encryptionCertificateFile, ...options } = signotec;
  const service = {
    ...options,
    now,
    ...(authorityFile === undefined ? {} : { authority: readFileSync(authorityFile, 'utf8') }),
    ...(encryptionCertificateFile === undefined
      ? {}
      : { encryptionCertificate: readFileSync(encryptionCertificateFile).toString('base64') }),
  };
  return [...drivers, createSignotecDriver(service)];
}

/** For the driver of STU pads, beside those on HID. */
export function linePortsOf({ serialStu = [] }: LinePads, lines: SerialLines): HidPorts {
  return createSerialStuPorts({ lines, ports: serialStu });
}

function requireOne(section: string, path: string | undefined, serialNumber: string | undefined): void {
  if ((path === undefined) === (serialNumber === undefined))
    throw new Error(`${section}: a line has either a path or a serialNumber`);
}
