/** Options with which the drivers reach the simulated services: as a customer would write them from papers of the vendor's. */
import authentiscan from './authentiscan/bench-options.json' with { type: 'json' };
import id365 from './id365/bench-options.json' with { type: 'json' };
import { BENCH_CLIENT_ID } from './id365/service.ts';

/** As the configuration of scanners has them, beside the address. */
export function id365BenchOptions(url: string, clientSecretFile: string): object {
  return { url, clientId: BENCH_CLIENT_ID, clientSecretFile, ...id365 };
}

export function authentiscanBenchOptions(url: string, credentialFile: string): object {
  const { credential, ...rest } = authentiscan;
  return { url, credential: { ...credential, file: credentialFile }, ...rest };
}
