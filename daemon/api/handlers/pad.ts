/** pad.*: people sign by hand. */
import { randomUUID, type X509Certificate } from 'node:crypto';
import type { Params, Result } from '../../../api-spec/methods/index.ts';
import type { PadButton, PadScreen } from '../../../drivers/pads/driver.ts';
import { ApiError } from '../../errors.ts';
import { readCertificateFiles } from '../../issuance/evidence/certificate-files.ts';
import { fingerprintOf } from '../../issuance/evidence/seal.ts';
import { LiveInk } from '../../pads/live.ts';
import type { Captured, Pictures } from '../../pads/result.ts';
import { sha256 } from '../../pads/statement.ts';
import type { Call, Handlers } from '../call.ts';
import { bytesOf, contentOf, giveOut, invalidContent } from './content.ts';
import { ownerOf, type HandlerContext } from './context.ts';

type PadMethods = 'pad.cancel' | 'pad.capture' | 'pad.list' | 'pad.unwatch' | 'pad.watch';
type CaptureParams = Params<'pad.capture'>;

const LABELS = {
  sv: { clear: 'Rensa', cancel: 'Avbryt', accept: 'Godkänn' },
  en: { clear: 'Clear', cancel: 'Cancel', accept: 'Accept' },
} as const;
/** Until a ceremony has taken it up. */
const KEEP_EVIDENCE_MS = 3_600_000;
const ACCEPT_AFTER_MS = 3_000;
/** Pictures on the largest pad have a thirtieth of it. */
const MAX_IMAGE_PIXELS = 16_000_000;

export function padHandlers(context: HandlerContext): Pick<Handlers, PadMethods> {
  const { pads } = context;
  return {
    'pad.cancel': async ({ pad }, { caller }) => ({ cancelled: await pads.cancel(pad, caller) }),
    'pad.capture': async (params, call) => await capture(context, params, call),
    'pad.list': async () => ({ pads: [...(await pads.list())] }),
    'pad.unwatch': ({ pad }, { caller }) => {
      caller.connection?.lookAway(pad);
      return {};
    },
    'pad.watch': async ({ pad }, call) => {
      const description = await pads.find(pad);
      const capture = pads.captureOn(description.id);
      call.caller.connection?.lookOn(description.id);
      call.subject = { purpose: `${capture === undefined ? '' : `capture ${capture} `}on ${description.id}` };
      return { pad: pads.describe(description), ...(capture === undefined ? {} : { capture }) };
    },
  };
}

async function capture(context: HandlerContext, params: CaptureParams, call: Call): Promise<Result<'pad.capture'>> {
  const { pads, events, access } = context;
  const documentHash = requireHash(context, params, call);
  const recipients = params.biometric === true ? requireRecipients(context) : [];
  const description = await pads.find(params.pad);
  const { screen, imageFile } = await screenOf(context, params, call);
  const id = randomUUID();
  call.subject = { purpose: `capture ${id} on ${description.id}, document ${hex(documentHash)}` };
  const { captureSignature } = await import('../../pads/capture.ts');
  const { shownContent } = await import('../../pads/result.ts');
  const captured = await pads.use(
    description,
    { capture: id, ...ownerOf(call) },
    call,
    async (pad, signal): Promise<Captured> => {
      const publish = (event: Parameters<ConstructorParameters<typeof LiveInk>[0]['publish']>[0]): void =>
        events.publish('pad.pen', event, { pages: call.caller.origin ?? 'none', pad: description.id });
      using live = new LiveInk({ capture: id, pad: description.id, detail: access.policy.pads.live, publish });
      const { acceptAfterMs = ACCEPT_AFTER_MS } = params;
      const written = await captureSignature({ pad, documentHash, screen, acceptAfterMs, live, signal, now: () => new Date() });
      const replay = pads.replays.check(id, written.samples);
      return { capture: id, documentHash, shown: shownContent(screen, imageFile, pad), pad, written, replay };
    },
  );
  return await describeCapture(context, captured, recipients, call);
}

async function describeCapture(
  context: HandlerContext,
  captured: Captured,
  recipients: readonly X509Certificate[],
  call: Call,
): Promise<Result<'pad.capture'>> {
  const { drawPictures, durationOf, encryptSamples, stateCapture } = await import('../../pads/result.ts');
  const { strokesOf } = await import('../../../drivers/pads/ink/strokes.ts');
  const { capture: id, pad, written, replay } = captured;
  const pictures: Pictures = await drawPictures(written, call.signal);
  const statement = stateCapture(captured, pictures);
  const seal = await context.evidence.seal();
  const sealed = Buffer.from(await seal.sign(Buffer.from(statement), 'detached')).toString('base64');
  const isRepeat = replay.verdict === 'exact';
  const kept = { statement, seal: sealed, documentSha256: hex(captured.documentHash), isRepeat };
  context.pads.evidence.put(ownerOf(call), id, kept, KEEP_EVIDENCE_MS);
  const give = (bytes: Uint8Array): Result<'pad.capture'>['svg'] => {
    const given = giveOut(context, bytes, call);
    return { size: bytes.length, ...('inline' in given ? { data: given.inline } : { content: given.waiting.id }) };
  };
  return {
    ...{ capture: id, pad: context.pads.describe(pad.description) },
    startedAt: written.startedAt.toISOString(),
    endedAt: written.endedAt.toISOString(),
    ...{ samples: written.samples.length, strokes: strokesOf(written.samples).length, durationMs: durationOf(written) },
    ...{ lostSamples: written.lost, isComplete: written.lost === 0, replay },
    ...{ svg: give(pictures.svg), png: give(pictures.png) },
    evidence: { statement, sha256: sha256(statement), seal: sealed },
    ...(recipients.length === 0
      ? {}
      : {
          biometric: {
            ...give(await encryptSamples(captured, statement, recipients)),
            recipients: recipients.map(fingerprintOf),
          },
        }),
  };
}

/** Fixed before the first sample. */
function requireHash(context: HandlerContext, { content }: CaptureParams, call: Call): Uint8Array {
  const hash = contentOf(context, content, call).digestOf('sha256');
  if (hash) return hash;
  throw invalidContent(call, 'content.digest must be of sha256: it is what the signature is bound to');
}

function requireRecipients({ access }: HandlerContext): readonly X509Certificate[] {
  const files = access.policy.pads.biometricRecipients;
  const attempt = 'encrypting the samples';
  if (files.length === 0) throw new ApiError('pad_biometric_unprotected', `${attempt}: no recipient is configured`);
  try {
    return readCertificateFiles(files);
  } catch (error) {
    throw new ApiError(
      'pad_biometric_unprotected',
      `${attempt}: ${error instanceof Error ? error.message : ''}`,
      {},
      { cause: error },
    );
  }
}

async function screenOf(
  context: HandlerContext,
  { text, image, language = 'sv' }: CaptureParams,
  call: Call,
): Promise<{ readonly screen: PadScreen; readonly imageFile?: Uint8Array }> {
  const labels = LABELS[language];
  const buttons: readonly PadButton[] = (['clear', 'cancel', 'accept'] as const).map((id) => ({ id, label: labels[id] }));
  if (!image) return { screen: { buttons, ...(text === undefined ? {} : { text }) } };
  if (text !== undefined) throw invalidContent(call, 'text and image: a pad shows one of them');
  const imageFile = bytesOf(context, image, call);
  return { screen: { buttons, image: await decode(imageFile, call.signal) }, imageFile };
}

async function decode(file: Uint8Array, signal: AbortSignal): Promise<NonNullable<PadScreen['image']>> {
  const { decodeImage } = await import('../../../drivers/images/convert.ts');
  const { ImageError } = await import('../../../drivers/images/image.ts');
  try {
    return await decodeImage(file, { maxPixels: MAX_IMAGE_PIXELS, signal });
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    throw new ApiError('pad_screen_unfit', `showing a picture on the pad: ${error.message}`, {}, { cause: error });
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
