/** `kortd call` and `kortd status`: one call to the daemon that runs, over its own API. */
import { text } from 'node:stream/consumers';
import type { WireError } from '../../api-spec/errors.ts';
import type { CallError } from '../../api-spec/client/client.ts';
import { connectToDaemon } from './connect-to-daemon.ts';
import { printNotice, printResult } from './output.ts';

export interface CallOptions {
  readonly dataDir: string;
  readonly timeoutMs?: number;
}

/** Prints the result as JSON. Exit status 1 with the error on standard error. */
export async function runCall(method: string, params: string | undefined, options: CallOptions): Promise<void> {
  const parsed = parseParams(params === '-' ? await text(process.stdin) : (params ?? '{}'));
  const { client } = await connectToDaemon(options.dataDir);
  try {
    const result = await client.callByName(
      method,
      parsed,
      options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs },
    );
    printResult(JSON.stringify(result, undefined, 2));
  } finally {
    client.close();
  }
}

export async function runStatus(options: CallOptions & { readonly json: boolean }): Promise<void> {
  const { endpoint, client } = await connectToDaemon(options.dataDir);
  try {
    const [info, health, { readers }, { cards }] = await Promise.all([
      client.call('system.info'),
      client.call('system.health'),
      client.call('reader.list'),
      client.call('card.list'),
    ]);
    if (options.json) {
      printResult(
        JSON.stringify(
          { ...(endpoint ? { url: endpoint.url, pid: endpoint.pid } : {}), info, health, readers, cards },
          undefined,
          2,
        ),
      );
      return;
    }
    const where = endpoint ? `at ${endpoint.url} (process ${endpoint.pid})` : 'as a service of this computer';
    printResult(`${info.product} ${info.version} ${where}${info.simulated ? ', simulated desk' : ''}: ${health.status}`);
    for (const source of health.sources)
      printResult(`  ${source.id}: ${source.available ? 'available' : `away, ${source.problem ?? ''}`}`);
    for (const reader of readers) {
      const card = cards.find((candidate) => candidate.reader === reader.id);
      const what = card
        ? `${card.application?.id ?? card.status} ${card.application?.serialNumber ?? ''} ${card.id}`
        : reader.status;
      const role = reader.role === undefined ? '' : `${reader.role}: `;
      printResult(`  ${role}${reader.name} (${reader.id}): ${what}`);
    }
    if (readers.length === 0) printResult('  no readers');
  } finally {
    client.close();
  }
}

/** `kortd grant …`: deciding on web origins from the command line. */
export async function runGrant(
  verb: 'list' | 'approve' | 'deny' | 'revoke',
  subject: string | undefined,
  options: CallOptions,
): Promise<void> {
  const params = verb === 'list' ? {} : verb === 'revoke' ? { origin: subject } : { code: subject };
  await runCall(`access.${verb}`, JSON.stringify(params), options);
}

/** For scripts the error object as JSON; before it, on a terminal, what it says to a person. */
export function printCallError(error: CallError): void {
  const wire: WireError = error.error;
  if (process.stderr.isTTY) printNotice(`${wire.en}\n${wire.sv}`);
  printNotice(JSON.stringify({ error: wire }, undefined, 2));
}

const QUOTED = `kortd call card.read '{"card":"…"}'`;

class ParametersError extends SyntaxError {
  override readonly name = 'ParametersError';
  readonly sv: string;

  constructor(message: string, sv: string, options: ErrorOptions) {
    super(message, options);
    this.sv = sv;
  }
}

function parseParams(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : '';
    throw new ParametersError(
      `the parameters are not JSON: ${reason}. Quote them for your shell: ${QUOTED}`,
      `parametrarna är inte JSON: ${reason}. Skriv dem inom citattecken för skalet: ${QUOTED}`,
      { cause: error },
    );
  }
}
