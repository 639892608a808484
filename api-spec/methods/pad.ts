/** pad.*: signatures by hand. */
import Type from 'typebox';
import { PERSON_TIMEOUT_MS, defineMethod } from '../method.ts';
import { CaptureId, CapturedSignature, Pad, PadId } from '../pads.ts';
import { ByteSource, Closed, ContentSource } from '../schemas.ts';

export const padMethods = {
  'pad.cancel': defineMethod({
    summary:
      'End the capture on a pad: its call ends with pad_cancelled. Nothing happens where there is none, or somebody else’s.',
    attempt: { en: 'Ending the signing on the pad', sv: 'Att avsluta underskriften på plattan' },
    since: 1,
    scope: 'pad',
    rest: { verb: 'POST', path: '/v1/pads/cancel' },
    params: Closed({ pad: PadId }),
    result: Closed({ cancelled: Type.Boolean() }),
    errors: ['not_found'],
  }),
  'pad.capture': defineMethod({
    summary:
      'Have a person sign by hand on a pad. What they sign is shown with buttons, the pen is told in pad.pen as it writes, and the result is bound to the hash of the content.',
    attempt: { en: 'Signing on the pad', sv: 'Att skriva under på plattan' },
    since: 1,
    scope: 'pad',
    rest: { verb: 'POST', path: '/v1/pads/capture' },
    timeoutMs: PERSON_TIMEOUT_MS,
    params: Closed({
      pad: Type.Optional(PadId),
      content: ContentSource,
      text: Type.Optional(Type.String({ maxLength: 2_000, description: 'Shown on the pad, whole or not at all.' })),
      image: Type.Optional(ByteSource('PNG or JPEG, shown in place of text')),
      language: Type.Optional(Type.Enum(['en', 'sv'] as const, { description: 'Of the buttons. Default: sv.' })),
      biometric: Type.Optional(
        Type.Boolean({ description: 'Also how the pen moved, encrypted for the certificates of the policy. Default: false.' }),
      ),
      acceptAfterMs: Type.Optional(
        Type.Integer({
          minimum: 500,
          maximum: 30_000,
          description: 'On a pad without buttons: it is accepted when nothing was written for so long. Default: 3000.',
        }),
      ),
    }),
    result: CapturedSignature,
    errors: [
      'content_not_found',
      'contents_full',
      'not_found',
      'pad_biometric_unprotected',
      'pad_busy',
      'pad_cancelled',
      'pad_failed',
      'pad_limit_reached',
      'pad_removed',
      'pad_screen_unfit',
    ],
  }),
  'pad.list': defineMethod({
    summary: 'The signature pads as they stand. From the first call on, pad.added, pad.changed and pad.removed tell of changes.',
    attempt: { en: 'Listing the pads', sv: 'Att lista plattorna' },
    since: 1,
    scope: 'pad',
    rest: { verb: 'GET', path: '/v1/pads' },
    params: Closed({}),
    result: Closed({ pads: Type.Array(Pad) }),
    errors: ['pad_failed'],
  }),
  'pad.unwatch': defineMethod({
    summary:
      'Say that nobody looks on at a pad any more: pad.pen of it comes to this connection no longer. Nothing happens where nobody did.',
    attempt: { en: 'Ending to look on while somebody signs', sv: 'Att sluta titta på medan någon skriver under' },
    since: 1,
    scope: 'pad',
    rest: { verb: 'POST', path: '/v1/pads/unwatch' },
    params: Closed({ pad: PadId }),
    result: Closed({}),
    errors: [],
  }),
  'pad.watch': defineMethod({
    summary:
      'Say that somebody is about to look on while people sign on a pad. Leaves a record in the audit log; what the pen does comes as pad.pen, until pad.unwatch.',
    attempt: { en: 'Looking on while somebody signs', sv: 'Att titta på medan någon skriver under' },
    since: 1,
    scope: 'pad',
    rest: { verb: 'POST', path: '/v1/pads/watch' },
    params: Closed({ pad: PadId }),
    result: Closed({ pad: Pad, capture: Type.Optional(CaptureId) }),
    errors: ['not_found'],
  }),
} as const;
