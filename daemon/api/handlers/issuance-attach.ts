/** Pictures of a ceremony: checked, stored with the person's number, and noted by name and SHA-256. */
import { createHash } from 'node:crypto';
import { valueAt, type Ceremony } from '../../issuance/ceremony.ts';
import { ApiError } from '../../errors.ts';
import type { StepOf } from '../../issuance/routine.ts';
import type { Handlers } from '../call.ts';
import { bytesOf } from './content.ts';
import type { HandlerContext } from './context.ts';
import { takeOn } from './issuance-ceremony.ts';

type PictureType = StepOf<'attach'>['types'][number];

export function issuanceAttachHandlers(context: HandlerContext): Pick<Handlers, 'issuance.attach'> {
  const { issuance, pictures } = context;
  return {
    'issuance.attach': (params, call) =>
      takeOn(context, params.ceremony, call, async (ceremony) => {
        const step = issuance.requireStep(ceremony, params.step, 'attach');
        const bytes = bytesOf(context, params.picture, call);
        const type = await checkPicture(bytes, step);
        const file = fileName(ceremony, step, type);
        if (file === undefined) throw invalid(`the card tells no number of the person to store it with, at ${step.id}`);
        await pictures.store(file, bytes);
        try {
          issuance.noteStep(ceremony, step, {
            ...{ type: 'step.attached', step: step.id, file, mediaType: `image/${type}`, lengthBytes: bytes.length },
            sha256: createHash('sha256').update(bytes).digest('hex'),
          });
        } catch (error) {
          // Nothing is kept that no journal knows of.
          await pictures.remove(file);
          throw error;
        }
      }),
  };
}

/** Of a ceremony that came to nothing no picture is kept, not even one that was stored in the moment before a crash. */
export async function removePictures({ pictures }: HandlerContext, ceremony: Ceremony): Promise<void> {
  if (ceremony.state !== 'cancelled') return;
  for (const step of ceremony.routine.steps)
    if (step.kind === 'attach')
      for (const type of step.types) {
        const file = fileName(ceremony, step, type);
        if (file !== undefined) await pictures.remove(file);
      }
}

/** By its first bytes, and then by reading all of it. Throws picture_invalid. */
async function checkPicture(bytes: Uint8Array, { types, maxBytes }: StepOf<'attach'>): Promise<PictureType> {
  if (bytes.length > maxBytes) throw invalid(`it has more than ${maxBytes} bytes`);
  // Most sessions store none.
  const { readPicture } = await import('../../signing/pdf/picture.ts');
  readPicture(bytes);
  const type: PictureType = bytes[0] === 0xff ? 'jpeg' : 'png';
  if (!types.includes(type)) throw invalid(`it must be ${types.join(' or ')}`);
  return type;
}

function invalid(problem: string): ApiError {
  return new ApiError('picture_invalid', `storing the picture: ${problem}`, { problem });
}

/** The first number that is known; of letters, digits and hyphens, as all numbers of persons are. Undefined without one. */
function fileName(ceremony: Ceremony, { id, numbers }: StepOf<'attach'>, type: PictureType): string | undefined {
  const number = numbers.map((path) => valueAt(ceremony, path)).find((value) => value !== undefined);
  if (number === undefined || !/^[A-Za-z0-9-]+$/.test(number)) return undefined;
  return `${number}-${id}-${ceremony.id.replace(/^ceremony-/, '')}.${type}`;
}
