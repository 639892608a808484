/** What the options of every vendor's service have: where it is, whom it is trusted by, and how long and how large its answers may be. */
import Type, { type Static } from 'typebox';
import { readAdministratorFile } from '../administrator-file.ts';
import { DeviceProtocolError } from '../errors.ts';
import type { VendorServiceOptions } from './vendor-http.ts';

const path = Type.String({ minLength: 1, maxLength: 4_096 });

export const serviceFields = {
  /** https, or http on this machine. */
  url: Type.String({ minLength: 1, maxLength: 2_048 }),
  /** PEM file of authorities that are trusted instead of the system's. */
  caFile: Type.Optional(path),
  /** For one call of the service, with what is tried again. */
  timeoutMs: Type.Optional(Type.Integer({ minimum: 100, maximum: 300_000 })),
  maxAnswerBytes: Type.Optional(Type.Integer({ minimum: 1_024, maximum: 134_217_728 })),
} as const;

/** In which a camera or a folder has pictures. */
export const pictureLights = Type.Optional(
  Type.Array(Type.Enum(['white', 'whiteTop', 'whiteSide', 'ir', 'uv', 'axial'] as const), { minItems: 1, maxItems: 6 }),
);

export type ServiceFields = Static<ReturnType<typeof Type.Object<typeof serviceFields>>>;

const TIMEOUT_MS = 30_000;
/** Pictures of a page in four lights at 300 dpi, and details, in base64. */
const MAX_ANSWER_BYTES = 33_554_432;
const MAX_PEM_BYTES = 262_144;
const MAX_CREDENTIAL_BYTES = 65_536;

/** Reads the file of authorities. Throws DeviceError for one that cannot be used. */
export function serviceOptions(name: string, { url, caFile, timeoutMs, maxAnswerBytes }: ServiceFields): VendorServiceOptions {
  return {
    device: name,
    baseUrl: url,
    ...(caFile === undefined ? {} : { ca: readConfigured(caFile, { device: name, isSecret: false }) }),
    timeoutMs: timeoutMs ?? TIMEOUT_MS,
    maxAnswerBytes: maxAnswerBytes ?? MAX_ANSWER_BYTES,
  };
}

/**
 * What stands in a file of the administrator's; a secret one must be readable by nobody but its owner. Read anew whenever it is needed, and kept by nobody. Throws
 * DeviceProtocolError, without what stands in it.
 */
export function readConfigured(
  file: string,
  { device, isSecret }: { readonly device: string; readonly isSecret: boolean },
): string {
  try {
    const maxBytes = isSecret ? MAX_CREDENTIAL_BYTES : MAX_PEM_BYTES;
    const text = readAdministratorFile(file, { maxBytes, ownUid: process.getuid?.(), isSecret }).trim();
    // It goes into a header or a line of JSON.
    if (isSecret && !/^[\x21-\x7e]+$/.test(text)) throw new Error('it is no single word of printable characters');
    return text;
  } catch (error) {
    const problem = error instanceof Error ? error.message : 'it cannot be read';
    throw new DeviceProtocolError(
      `reading a file of the configuration of ${device}: ${problem}`,
      { device, driverCode: 'configuration_invalid' },
      { cause: error },
    );
  }
}
