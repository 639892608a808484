/** Shapes of signature pads. Lengths in millimetres from the left and from the top edge, times in milliseconds, pressure from 0 to 1. */
import Type, { type Static } from 'typebox';
import { Closed } from './closed.ts';

const PadId = Type.String({ minLength: 1, maxLength: 128, description: 'Id of the pad: the same while it stays plugged in.' });
export const CaptureId = Type.String({ minLength: 1, maxLength: 64, description: 'Id of the capture.' });

export const Pad = Closed({
  id: PadId,
  driver: Type.String({ description: 'Family: wacom-stu, topaz, signotec.' }),
  model: Type.String(),
  serialNumber: Type.Optional(Type.String()),
  firmware: Type.Optional(Type.String()),
  capabilities: Closed({
    areaMm: Closed({ width: Type.Number(), height: Type.Number() }),
    screen: Type.Optional(
      Closed({
        widthPx: Type.Integer(),
        heightPx: Type.Integer(),
        colour: Type.Enum(['mono', 'rgb565', 'rgb888'] as const),
      }),
    ),
    pressureLevels: Type.Integer({ description: '0: it measures no pressure.' }),
    rateHz: Type.Number({ description: 'Samples a second.' }),
    buttons: Type.Enum(['drawn', 'own', 'none'] as const),
    lineEncryption: Type.String({ description: 'Of the line between pad and machine; "none" where there is none.' }),
    timeSource: Type.Enum(['pad', 'rate', 'host'] as const, { description: 'Whose time the samples have.' }),
  }),
  status: Type.Enum(['ready', 'capturing'] as const),
  lastCapture: Type.Optional(
    Closed(
      {
        capture: CaptureId,
        endedAt: Type.String({ description: 'ISO 8601, UTC.' }),
        outcome: Type.Enum(['accepted', 'cancelled', 'failed'] as const),
        isComplete: Type.Optional(Type.Boolean({ description: 'Of one that was accepted: no sample was lost.' })),
      },
      'How the latest capture ended, since the pad was plugged in. Nothing of what was written.',
    ),
  ),
});
export type Pad = Static<typeof Pad>;
export { PadId };

/** As an event tells it: by place, or the message would be four times as long. */
export const PenSample = Type.Tuple(
  [
    Type.Integer({ description: 'Number: one more with each sample that the pad took.' }),
    Type.Number({ description: 'x, mm.' }),
    Type.Number({ description: 'y, mm.' }),
    Type.Number({ description: 'Time since the first sample, ms.' }),
    Type.Number({ description: 'Pressure, 0 to 1.' }),
    Type.Integer({ description: '1: the pen writes; 0: it is only near.' }),
  ],
  { description: '[number, x, y, time, pressure, writes]' },
);

/** What is too long for an answer waits to be fetched. */
export const GivenBytes = Closed({
  data: Type.Optional(Type.String({ description: 'Base64. Absent when it is too long for an answer.' })),
  content: Type.Optional(Type.String({ description: 'Id of the content that holds it then: GET /v1/contents/{id}.' })),
  size: Type.Integer({ description: 'Bytes of it.' }),
});

export const CapturedSignature = Closed({
  capture: CaptureId,
  pad: Pad,
  startedAt: Type.String({ description: 'When the first sample came, ISO 8601, UTC.' }),
  endedAt: Type.String({ description: 'When the person accepted, ISO 8601, UTC.' }),
  samples: Type.Integer(),
  strokes: Type.Integer(),
  durationMs: Type.Number(),
  lostSamples: Type.Integer({ description: 'Samples that the pad took and that never came.' }),
  isComplete: Type.Boolean({ description: 'No sample was lost. Take no signature for good that is not complete.' }),
  replay: Closed({
    verdict: Type.Enum(['new', 'near', 'exact'] as const, {
      description:
        'Whether it repeats an earlier capture since the service started: sample for sample, or more alike than a hand can write twice.',
    }),
    of: Type.Optional(CaptureId),
  }),
  svg: GivenBytes,
  png: GivenBytes,
  evidence: Closed({
    statement: Type.String({ description: 'JSON: what was signed, where, when, and the hashes of all that belongs to it.' }),
    sha256: Type.String({ description: 'Of the statement’s UTF-8 bytes, hexadecimal.' }),
    seal: Type.String({
      description: 'The workstation’s signature over the statement: detached CMS (RFC 5652), base64 of DER.',
    }),
  }),
  biometric: Type.Optional(
    Closed(
      {
        ...GivenBytes.properties,
        recipients: Type.Array(Type.String({ description: 'SHA-256 of a certificate, hexadecimal.' })),
      },
      'Samples and ISO/IEC 19794-7 record as CMS EnvelopedData, for the certificates that the policy names. Only when asked for.',
    ),
  ),
});
