/** Examples of traces. */
export const EXAMPLE_TRACE_FILE = 'trace-20260302T081500Z.txt';

const EXAMPLE_TRACE = {
  file: EXAMPLE_TRACE_FILE,
  startedAt: '2026-03-02T08:15:00.000Z',
  endsAt: '2026-03-02T08:25:00.000Z',
  contents: 'redacted',
  exchanges: 46,
  bytes: 21_733,
} as const;

export const TRACE_EXAMPLES = {
  'trace.list': {
    params: {},
    result: {
      running: EXAMPLE_TRACE,
      traces: [{ file: EXAMPLE_TRACE.file, bytes: EXAMPLE_TRACE.bytes, changedAt: EXAMPLE_TRACE.startedAt }],
    },
  },
  'trace.start': {
    params: { card: { role: 'holder' }, durationMs: 600_000 },
    result: { ...EXAMPLE_TRACE, exchanges: 0, bytes: 103 },
  },
  'trace.stop': { params: {}, result: EXAMPLE_TRACE },
};
