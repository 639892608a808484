/** Events, as data. Each comes with a sequence number of the stream, the name, the time and its data. */
import Type, { type Static, type TSchema } from 'typebox';
import { DOCUMENT_FILES } from './travel-document.ts';
import { CeremonyId, CeremonyState, StepId } from './issuance.ts';
import { CaptureId, Pad, PadId, PenSample } from './pads.ts';
import { OpenPrompt, PromptId, PromptOutcome } from './prompts.ts';
import { Card, Closed, Id, Reader, RoleName, ScopeName } from './schemas.ts';
import { Scanner } from './methods/scanner.ts';
import { ScanLight } from './scan/report.ts';
import type { Scope } from './scopes.ts';

export interface ApiEvent<D extends TSchema = TSchema> {
  readonly summary: string;
  readonly since: number;
  /** Right that a subscriber needs to get it. */
  readonly scope: Scope;
  /** Comes often and is of use only at once: not kept for replay. */
  readonly isTransient?: boolean;
  readonly data: D;
}

/** Sorted by name. */
export const EVENTS = {
  'access.changed': {
    summary: 'Grants changed: one was given or taken back, or the policy files were read again. access.list has them.',
    since: 1,
    scope: 'access.manage',
    data: Closed({ origin: Type.Optional(Type.String({ description: 'Whose. Absent: any.' })) }),
  },
  'access.requested': {
    summary: 'A web origin asks for access and waits for an answer.',
    since: 1,
    scope: 'access.manage',
    data: Closed({
      code: Type.String(),
      origin: Type.String(),
      scopes: Type.Array(ScopeName),
      reason: Type.Optional(Type.String()),
    }),
  },
  'access.settled': {
    summary: 'A request for access waits no longer.',
    since: 1,
    scope: 'access.manage',
    data: Closed({
      code: Type.String(),
      origin: Type.String(),
      outcome: Type.Enum(['approved', 'denied', 'withdrawn'] as const, {
        description: 'withdrawn: the page went away, or waited too long.',
      }),
    }),
  },
  'audit.appended': {
    summary:
      'The audit log has further records. Told at most twice a second, however many they are; not kept for replay. audit.list has them.',
    since: 1,
    scope: 'audit.read',
    isTransient: true,
    data: Closed({ last: Type.Integer({ minimum: 1, description: 'Number of the latest record.' }) }),
  },
  'card.changed': {
    summary:
      'What is known of a card changed: it was identified, written to, leased or given back, its reader got another role, or a PIN of it has other tries left, or was changed.',
    since: 1,
    scope: 'card.read',
    data: Closed({ card: Card }),
  },
  'card.inserted': {
    summary: 'A card was put into a reader. What it is follows in card.changed.',
    since: 1,
    scope: 'card.read',
    data: Closed({ card: Card }),
  },
  'card.removed': {
    summary: 'A card was taken out, or its reader went away. Its id is void.',
    since: 1,
    scope: 'card.read',
    data: Closed({ card: Id('card'), reader: Id('reader') }),
  },
  'document.judged': {
    summary:
      'There is a verdict about an identity document, or an operator added to one. What it came to is asked for with document.get. Web pages hear of their own origin’s alone.',
    since: 1,
    scope: 'document.verify',
    data: Closed({
      verdict: Type.String(),
      scan: Type.Optional(Type.String({ description: 'That it was made of, where it was named by its id.' })),
    }),
  },
  'issuance.changed': {
    summary:
      'A ceremony came on, or ended. Who takes part in it is not told here; of one with protected personal data only callers with issuance.protected hear.',
    since: 1,
    scope: 'issuance',
    data: Closed({
      ceremony: CeremonyId,
      routine: Type.String(),
      state: CeremonyState,
      nextStep: Type.Optional(StepId),
    }),
  },
  'pad.added': { summary: 'A signature pad was plugged in.', since: 1, scope: 'pad', data: Closed({ pad: Pad }) },
  'pad.changed': {
    summary: 'A capture on a pad began, or ended.',
    since: 1,
    scope: 'pad',
    data: Closed({ pad: Pad, capture: Type.Optional(CaptureId) }),
  },
  'pad.pen': {
    summary:
      'What the pen did since the last such event, within 10 ms of it. Not kept for replay. Web pages hear of what their own origin had signed alone. As fine as a policy lets it be told: unless one says otherwise, as it needs to be to draw the ink.',
    since: 1,
    scope: 'pad',
    isTransient: true,
    data: Closed({
      capture: CaptureId,
      pad: PadId,
      samples: Type.Array(PenSample),
      lost: Type.Optional(Type.Integer({ description: 'Samples before these that never came from the pad.' })),
      cleared: Type.Optional(Type.Boolean({ description: 'What was written before is void.' })),
    }),
  },
  'pad.removed': { summary: 'A signature pad was unplugged.', since: 1, scope: 'pad', data: Closed({ pad: PadId }) },
  'passport.progress': {
    summary:
      'How far passport.read has come: when it begins to read, at most ten times a second while it goes on, and when everything is read.',
    since: 1,
    scope: 'document.read',
    data: Closed({
      card: Id('card'),
      reader: Id('reader'),
      file: Type.Enum(DOCUMENT_FILES, { description: 'That is being read.' }),
      readBytes: Type.Integer({ minimum: 0, description: 'Of that file.' }),
      totalBytes: Type.Integer({ minimum: 0, description: 'That it has.' }),
      fraction: Type.Number({ minimum: 0, maximum: 1, description: 'Of all that is to be read, as far as that can be told.' }),
    }),
  },
  'pin.prompted': {
    summary: 'Somebody is asked for a PIN, or whether what they are shown is to be signed.',
    since: 1,
    scope: 'card.read',
    data: Closed({
      card: Id('card'),
      reader: Id('reader'),
      pinReference: Type.String(),
      where: Type.Enum(['agent', 'console', 'keypad'] as const),
    }),
  },
  'prompt.changed': {
    summary: 'Somebody is asked something, or has it waiting behind another prompt; or it is shown elsewhere than before.',
    since: 1,
    scope: 'access.manage',
    data: Closed({ prompt: OpenPrompt }),
  },
  'prompt.ended': {
    summary: 'What somebody was asked is asked no longer.',
    since: 1,
    scope: 'access.manage',
    data: Closed({ prompt: PromptId, outcome: PromptOutcome }),
  },
  'reader.added': { summary: 'A reader was plugged in.', since: 1, scope: 'card.read', data: Closed({ reader: Reader }) },
  'reader.changed': {
    summary: 'The status of a reader changed, or its role, or more is known of it.',
    since: 1,
    scope: 'card.read',
    data: Closed({ reader: Reader }),
  },
  'reader.removed': { summary: 'A reader was unplugged.', since: 1, scope: 'card.read', data: Closed({ reader: Id('reader') }) },
  'reader.roleAwaited': {
    summary: 'A card is to be put into the reader that gets a role; or that is over, with the reader that got it, or without.',
    since: 1,
    scope: 'card.read',
    data: Closed({
      role: RoleName,
      state: Type.Enum(['waiting', 'assigned', 'ended'] as const),
      reader: Type.Optional(Id('reader')),
    }),
  },
  'scanner.added': {
    summary: 'A scanner of identity documents is there.',
    since: 1,
    scope: 'scanner',
    data: Closed({ scanner: Scanner }),
  },
  'scanner.changed': {
    summary: 'The status of a scanner changed: it came back, went away, or a scan began or ended.',
    since: 1,
    scope: 'scanner',
    data: Closed({ scanner: Scanner }),
  },
  'scanner.progress': {
    summary: 'How far a scan has come. What was read is not told here.',
    since: 1,
    scope: 'scanner',
    data: Closed({
      scanner: Id('scanner'),
      stage: Type.Enum(
        ['waiting', 'documentPresent', 'capturing', 'reading', 'chip', 'verifying', 'removeDocument', 'ended'] as const,
        { description: 'waiting: for a document. removeDocument: it can be taken out. ended: with a result or without.' },
      ),
      light: Type.Optional(ScanLight),
    }),
  },
  'scanner.removed': {
    summary: 'A scanner is no longer known: the file scanners.json does not name it any more.',
    since: 1,
    scope: 'scanner',
    data: Closed({ scanner: Id('scanner') }),
  },
  'sign.progress': {
    summary:
      'How far sign.batch has come: when it begins, at most five times a second while it goes on, and when the last signature is made.',
    since: 1,
    scope: 'sign',
    data: Closed({
      card: Id('card'),
      reader: Id('reader'),
      done: Type.Integer({ minimum: 0, description: 'Signatures made.' }),
      total: Type.Integer({ minimum: 1 }),
    }),
  },
} as const satisfies Record<string, ApiEvent>;

export type Events = typeof EVENTS;
export type EventName = keyof Events;
export type EventData<N extends EventName> = Static<Events[N]['data']>;
export const EVENT_NAMES = Object.keys(EVENTS) as EventName[];

/** Params of the notification `event`. */
export const EventNotice = Closed({
  sequence: Type.Integer(),
  time: Type.String({ description: 'ISO 8601, UTC.' }),
  name: Type.Enum(EVENT_NAMES),
  data: Type.Unknown(),
});

/** Params of the notification `event.gap`: these sequence numbers will not come; read the lists again. */
export const GapNotice = Closed({
  from: Type.Integer({ description: 'First number lost; 0 when it is not known.' }),
  to: Type.Integer({ description: 'Last number lost.' }),
});

/** Params of the notification `greeting`, the first message on every WebSocket. */
export const Greeting = Closed({
  product: Type.String(),
  version: Type.String(),
  apiVersion: Closed({ lowest: Type.Integer(), highest: Type.Integer() }),
  stream: Type.String(),
  sequence: Type.Integer(),
});
export type Greeting = Static<typeof Greeting>;
