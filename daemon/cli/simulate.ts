/** `kortd simulate`: one simulated card behind the real PC/SC service, through a vpcd reader, until SIGTERM or SIGINT. */
import type { SimulatedCard } from '../../drivers/simulated/card.ts';
import { printNotice, printResult } from './output.ts';
import { UsageError } from './usage-error.ts';

export interface SimulateOptions {
  /** A kind, or KIND:PERSONA for the card of one of the people that come with it. */
  readonly card?: string;
  /** File of a recorded card. */
  readonly trace?: string;
  /** Its number there. */
  readonly which?: number;
  /** Answers in any order. */
  readonly lenient?: true;
  /** HOST:PORT of a vpcd reader. */
  readonly vpcd: string;
  /** File that keeps the card's state. */
  readonly state?: string;
}

export async function runSimulate(options: SimulateOptions): Promise<void> {
  const { host, port } = parseAddress(options.vpcd);
  const { VpcdBridge } = await import('../../drivers/simulated/vpcd.ts');
  const { card, name } = await openCard(options);
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());
  await using bridge = new VpcdBridge({
    host,
    port,
    onPresence: (isPresent) => printResult(`kortd simulate: ${name} card is ${isPresent ? 'in' : 'out of'} ${options.vpcd}`),
  });
  await bridge.insert(card);
  printNotice(`waiting for a vpcd reader at ${options.vpcd}`);
  if (!stop.signal.aborted) await new Promise((resolve) => stop.signal.addEventListener('abort', resolve, { once: true }));
}

interface NamedCard {
  readonly card: SimulatedCard;
  readonly name: string;
}

async function openCard({ card: name, trace, which = 1, lenient, state }: SimulateOptions): Promise<NamedCard> {
  if ((name === undefined) === (trace === undefined)) throw new UsageError('give --card or --trace', 'ange --card eller --trace');
  if (trace === undefined) return await makeCard(name ?? '', state);
  if (state !== undefined) throw new UsageError('--state goes with --card', '--state används tillsammans med --card');
  const { openRecordedCard } = await import('./simulate-trace.ts');
  return openRecordedCard(trace, which, { isLenient: lenient === true });
}

async function makeCard(name: string, state: string | undefined): Promise<NamedCard> {
  const { CARD_KINDS } = await import('../../drivers/simulated/cards/index.ts');
  const [kindName = '', persona] = name.split(':', 2);
  const kind = CARD_KINDS.get(kindName);
  if (!kind || (persona !== undefined && !kind.personas?.includes(persona))) {
    const names = [...CARD_KINDS].flatMap(([name, { personas = [] }]) => [name, ...personas.map((each) => `${name}:${each}`)]);
    throw new UsageError(`--card wants one of: ${names.join(', ')}`, `--card ska vara något av: ${names.join(', ')}`);
  }
  const description = persona === undefined ? {} : { persona };
  const card = state === undefined ? kind.create(description) : await kind.openFile(state, description);
  return { card, name };
}

function parseAddress(text: string): { host: string; port: number } {
  const match = /^(?:\[(?<six>[^\]]+)\]|(?<host>[^:]+)):(?<port>\d{1,5})$/.exec(text);
  const port = Number(match?.groups?.['port']);
  const host = match?.groups?.['six'] ?? match?.groups?.['host'];
  if (host === undefined || !(port >= 1 && port <= 65_535))
    throw new UsageError(
      `--vpcd wants HOST:PORT, as in 127.0.0.1:35963, not ${text}`,
      `--vpcd ska vara VÄRD:PORT, som 127.0.0.1:35963, inte ${text}`,
    );
  return { host, port };
}
