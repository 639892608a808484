import { SIGNATURE_SCHEMES } from '../../../apdu/signature-encoding.ts';
import { ApiError } from '../../errors.ts';
import type { Handlers } from '../call.ts';
import { verifyFor, withCard, type HandlerContext } from './context.ts';
import { signBatch } from './sign-batch.ts';
import { forgetMissingKey, keyForSigning } from './signing-key.ts';

export function signHandlers(context: HandlerContext): Pick<Handlers, 'sign.batch' | 'sign.digest'> {
  return {
    'sign.batch': (params, call) => signBatch(context, params, call),
    'sign.digest': async (params, call) => {
      const { algorithm } = params;
      const digest = Buffer.from(params.digest, 'base64');
      const { digestLength } = SIGNATURE_SCHEMES[algorithm];
      if (digest.length !== digestLength) {
        const problem = `digest must be ${digestLength} bytes for ${algorithm}, not ${digest.length}`;
        throw new ApiError('invalid_params', `signing: ${problem}`, { problem });
      }
      return await withCard(context, params, call, {}, async (session) => {
        const token = await session.token();
        const key = await keyForSigning(session, token, params, call);
        await verifyFor(context, session, token, key, params, call);
        const signature = await token.sign(key, algorithm, digest).catch((error: unknown) => {
          forgetMissingKey(session, error);
          throw error;
        });
        return { signature: Buffer.from(signature).toString('base64'), algorithm, keyReference: key.keyReference };
      });
    },
  };
}
