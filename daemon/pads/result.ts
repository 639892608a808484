/** From what was written to what is given out: pictures, the sealed statement, and the samples for those who may read them. */
import type { X509Certificate } from 'node:crypto';
import type { PadScreen, SignaturePad } from '../../drivers/pads/driver.ts';
import { encodeSignature } from '../../drivers/pads/ink/iso19794-7.ts';
import { inkPicture } from '../../drivers/pads/ink/picture.ts';
import { strokesOf } from '../../drivers/pads/ink/strokes.ts';
import { inkSvg } from '../../drivers/pads/ink/svg.ts';
import { encodePng } from '../../drivers/images/convert.ts';
import { identityOf } from './chain.ts';
import type { Written } from './capture.ts';
import type { ReplayVerdict } from './replay.ts';
import { sha256, type Statement } from './statement.ts';

/** As cards are printed. */
const DPI = 300;

export interface Pictures {
  readonly svg: Uint8Array;
  readonly png: Uint8Array;
}

export async function drawPictures({ samples }: Pick<Written, 'samples'>, signal: AbortSignal): Promise<Pictures> {
  const strokes = strokesOf(samples);
  const png = await encodePng(inkPicture(strokes, { dpi: DPI, ground: 'white' }), { signal });
  return { svg: Buffer.from(inkSvg(strokes)), png };
}

/** SHA-256 of what the person saw: the text's UTF-8 bytes, or the file of the picture. */
export type ShownContent = Statement['shown'];

export function shownContent(
  screen: Pick<PadScreen, 'text'>,
  imageFile: Uint8Array | undefined,
  pad: SignaturePad,
): ShownContent {
  if (!pad.show) return { kind: 'nothing', sha256: null };
  if (imageFile) return { kind: 'image', sha256: sha256(imageFile) };
  if (screen.text === undefined || screen.text === '') return { kind: 'nothing', sha256: null };
  return { kind: 'text', sha256: sha256(screen.text) };
}

export interface Captured {
  readonly capture: string;
  readonly documentHash: Uint8Array;
  readonly shown: ShownContent;
  readonly pad: SignaturePad;
  readonly written: Written;
  readonly replay: ReplayVerdict;
}

export function stateCapture({ capture, documentHash, shown, pad, written, replay }: Captured, pictures: Pictures): string {
  const { samples, lost, cleared, startedAt, endedAt, chain, attestation } = written;
  const { description } = pad;
  const statement: Statement = {
    schema: 'kortd.pad-signature/1',
    capture,
    document: { sha256: Buffer.from(documentHash).toString('hex') },
    shown,
    pad: identityOf(description),
    startedAt: startedAt.toISOString(),
    endedAt: endedAt.toISOString(),
    clearedBefore: cleared,
    samples: {
      count: samples.length,
      lost,
      strokes: strokesOf(samples).length,
      durationMs: durationOf(written),
      timeSource: description.capabilities.timeSource,
      chain: chain.head,
    },
    replay: { verdict: replay.verdict, of: replay.of ?? null },
    svg: { sha256: sha256(pictures.svg) },
    png: { sha256: sha256(pictures.png) },
    attestation: attestation ? { format: attestation.format, sha256: sha256(attestation.bytes) } : null,
  };
  return JSON.stringify(statement);
}

export function durationOf({ samples }: Pick<Written, 'samples'>): number {
  return Math.round((samples.at(-1)?.timeMs ?? 0) - (samples[0]?.timeMs ?? 0));
}

/** All that was measured, for those who hold the keys. JSON; `records` is what the chain of the statement goes over. */
export async function encryptSamples(
  { capture, pad, written }: Captured,
  statement: string,
  recipients: readonly X509Certificate[],
): Promise<Uint8Array> {
  const { areaMm, pressureLevels } = pad.description.capabilities;
  const { samples, startedAt, chain, attestation } = written;
  const first = samples[0]?.timeMs ?? 0;
  const points = samples.map((sample) => ({ ...sample, timeMs: sample.timeMs - first }));
  const content = {
    schema: 'kortd.pad-samples/1',
    capture,
    statement,
    areaMm,
    iso19794_7: base64(encodeSignature({ time: startedAt, pressureLevels, heightMm: areaMm.height, points })),
    records: base64(chain.records),
    attestation: attestation ? { format: attestation.format, data: base64(attestation.bytes) } : null,
  };
  const { encryptFor } = await import('../issuance/evidence/envelope.ts');
  return await encryptFor(recipients, Buffer.from(JSON.stringify(content)));
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
