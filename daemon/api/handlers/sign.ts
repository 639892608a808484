import { AlgorithmNotSupportedError, KeyNotFoundError } from '../../../apdu/errors.ts';
import { SIGNATURE_SCHEMES, fitsKey } from '../../../apdu/signature-encoding.ts';
import { ApiError } from '../../errors.ts';
import type { Handlers } from '../call.ts';
import { keyOf, verifyFor, withCard, type HandlerContext } from './context.ts';

export function signHandlers(context: HandlerContext): Pick<Handlers, 'sign.digest'> {
  return {
    'sign.digest': async (params, call) => {
      const { keyReference, algorithm } = params;
      const digest = Buffer.from(params.digest, 'base64');
      const { digestLength } = SIGNATURE_SCHEMES[algorithm];
      if (digest.length !== digestLength) {
        const problem = `digest must be ${digestLength} bytes for ${algorithm}, not ${digest.length}`;
        throw new ApiError('invalid_params', `signing: ${problem}`, { problem });
      }
      return await withCard(context, params, call, {}, async (session) => {
        const token = await session.token();
        const key = await keyOf(session, token, keyReference);
        if (!key.algorithm) throw new KeyNotFoundError(`signing with key ${keyReference}: no key is known there`);
        if (!fitsKey(algorithm, key.algorithm))
          throw new AlgorithmNotSupportedError(
            `signing with key ${keyReference}: ${algorithm} does not go with ${key.algorithm}`,
          );
        await verifyFor(context, session, token, key, params, call);
        const signature = await token.sign({ keyReference, algorithm: key.algorithm }, algorithm, digest);
        return { signature: Buffer.from(signature).toString('base64'), algorithm, keyReference: key.keyReference };
      });
    },
  };
}
