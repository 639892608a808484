/** `kortd simulate-authority`: the certification authority of a simulated desk by itself, without a daemon, until SIGTERM or SIGINT. */
import type { AuthorityServer } from '../../drivers/simulated/authority/server.ts';
import { printNotice, printResult } from './output.ts';

export interface SimulateAuthorityOptions {
  /** On 127.0.0.1. */
  readonly port: number;
  /** Name of a scenario, or the path of its file. */
  readonly scenario: string;
  /** File that keeps what was issued and revoked. */
  readonly state?: string;
}

export async function runSimulateAuthority(options: SimulateAuthorityOptions): Promise<void> {
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());
  const { loadScenario } = await import('../../drivers/simulated/scenario.ts');
  const { serveTestAuthority } = await import('../../drivers/simulated/authority/server.ts');
  const { recordedCardKinds } = await import('../trace/scenario-card.ts');
  // Its cards are there, and nobody asks them.
  await using scenario = await loadScenario(options.scenario, { kinds: recordedCardKinds(() => undefined) });
  await using server = await serveTestAuthority({
    scenario,
    port: options.port,
    ...(options.state === undefined ? {} : { stateFile: options.state }),
    onInternalError: (error) => printNotice(`the test authority failed: ${String(error)}`),
  });
  printResult(describeAuthority(server));
  if (!stop.signal.aborted) await new Promise((resolve) => stop.signal.addEventListener('abort', resolve, { once: true }));
}

export function describeAuthority({ url }: AuthorityServer): string {
  return `kortd test authority ${url} (its keys are public: trust nothing that they sign)`;
}
