/** How each documented error of traces is provoked. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ErrorCode } from '../../api-spec/errors.ts';
import type { MethodName } from '../../api-spec/methods/index.ts';
import { resultOf } from './support.ts';
import type { Provocation } from './provocation.ts';

export const TRACE_PROVOCATIONS: Readonly<Partial<Record<MethodName, Readonly<Partial<Record<ErrorCode, Provocation>>>>>> = {
  'trace.start': {
    not_found: async ({ call }) => await call(undefined, { card: { reader: 'reader-of-nobody' } }),
    trace_running: async ({ api, call }) => {
      resultOf(await api.call('trace.start', {}));
      return await call(undefined);
    },
    trace_unwritable: async ({ bench, call }) => {
      writeFileSync(join(bench.dataFolder, 'traces'), 'a file where the folder belongs');
      return await call(undefined);
    },
  },
  'trace.stop': { trace_not_running: async ({ call }) => await call(undefined) },
};
