/** The errors of traces. Part of `errors.ts`. */
import type { ErrorDefinition } from './errors.ts';

/** Sorted by code. */
export const TRACE_ERRORS = {
  trace_not_running: {
    httpStatus: 409,
    retry: 'no',
    en: {
      happened: 'no trace is running.',
      action: 'Start one with kortd trace start. kortd trace list tells those that have ended.',
    },
    sv: {
      happened: 'ingen spårning pågår.',
      action: 'Starta en med kortd trace start. kortd trace list visar dem som är avslutade.',
    },
  },
  trace_running: {
    httpStatus: 409,
    retry: 'after_user_action',
    en: { happened: 'a trace is running already ({file}).', action: 'Stop it with kortd trace stop, or wait for its end.' },
    sv: {
      happened: 'en spårning pågår redan ({file}).',
      action: 'Stoppa den med kortd trace stop, eller vänta tills den är slut.',
    },
  },
  trace_unwritable: {
    httpStatus: 503,
    retry: 'after_user_action',
    en: {
      happened: 'the trace’s file cannot be made in the data folder.',
      action: 'Make room on the disk, or mend the rights of the folder; the log of kortd has the reason.',
    },
    sv: {
      happened: 'spårningens fil kan inte skapas i datamappen.',
      action: 'Frigör plats på disken eller rätta mappens rättigheter; kortds logg anger orsaken.',
    },
  },
} as const satisfies Record<string, ErrorDefinition>;
