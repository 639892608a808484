/** trace.*: what goes to the cards and comes back, recorded for a while, without what is secret or of a person. */
import Type from 'typebox';
import { defineMethod } from '../method.ts';
import { CardTarget, Closed } from '../schemas.ts';

const MAX_DURATION_MS = 24 * 3_600_000;

const Contents = Type.Enum(['redacted', 'whole'] as const, {
  description:
    'redacted: only what is known to be harmless. whole: also certificates and names; of a simulated desk alone. PINs are in neither.',
});

const fields = {
  file: Type.String({ description: 'Name of the file, in the folder "traces" of the data folder.' }),
  startedAt: Type.String({ description: 'ISO 8601, UTC.' }),
  endsAt: Type.String({ description: 'When it ends by itself.' }),
  contents: Contents,
  exchanges: Type.Integer(),
  bytes: Type.Integer(),
};

export const RunningTrace = Closed(fields, 'The trace that is being recorded.');

const common = { since: 1, scope: 'trace' as const };

export const traceMethods = {
  'trace.list': defineMethod({
    summary: 'The trace that is running, and the files of those that have ended.',
    attempt: { en: 'Looking for traces', sv: 'Att leta efter spårningar' },
    ...common,
    rest: { verb: 'GET', path: '/v1/trace' },
    params: Closed({}),
    result: Closed({
      running: Type.Optional(RunningTrace),
      traces: Type.Array(Closed({ file: Type.String(), bytes: Type.Integer(), changedAt: Type.String() })),
    }),
    errors: [],
  }),
  'trace.start': defineMethod({
    summary:
      'Record what goes to the cards and comes back, of all cards or of one, for a while. One trace at a time; it ends by itself when its time is over or it is full.',
    attempt: { en: 'Starting a trace', sv: 'Att starta en spårning' },
    ...common,
    rest: { verb: 'POST', path: '/v1/trace/start' },
    params: Closed({
      card: Type.Optional(CardTarget),
      durationMs: Type.Optional(
        Type.Integer({ minimum: 1_000, maximum: MAX_DURATION_MS, description: 'Ten minutes unless given.' }),
      ),
      contents: Type.Optional(Contents),
    }),
    result: RunningTrace,
    errors: ['not_found', 'not_simulated', 'trace_running', 'trace_unwritable'],
  }),
  'trace.stop': defineMethod({
    summary: 'End the trace that is running.',
    attempt: { en: 'Stopping the trace', sv: 'Att stoppa spårningen' },
    ...common,
    rest: { verb: 'POST', path: '/v1/trace/stop' },
    params: Closed({}),
    result: RunningTrace,
    errors: ['trace_not_running'],
  }),
};
