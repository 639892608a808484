/**
 * Two servers in one process, alike but for the gate: the real one before REST, and one that lets everybody in. `node gate-server.ts FOLDER`; prints one line of
 * JSON when both listen, and ends with its standard input.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { METHOD_NAMES } from '../../api-spec/methods/index.ts';
import { Access } from '../../daemon/access/access.ts';
import { ownUser } from '../../daemon/access/local-user.ts';
import type { Handlers } from '../../daemon/api/call.ts';
import { Contents } from '../../daemon/contents/contents.ts';
import { Dispatcher } from '../../daemon/api/dispatcher.ts';
import type { Admission } from '../../daemon/listen/admission.ts';
import { Gate } from '../../daemon/listen/gate.ts';
import { createRest } from '../../daemon/listen/rest.ts';
import { silentLog } from '../../daemon/log.ts';
import { PromptDesk } from '../../daemon/prompt/prompt-desk.ts';

const TOKEN = 'a'.repeat(43);
const ORIGIN = 'https://portal.example';
const SCOPES = ['card.read', 'sign'] as const;
const CHECKS = 100_000;

/** Says what the gate would have said, without looking. */
class OpenGate extends Gate {
  override check(request: IncomingMessage): Admission {
    const user = ownUser();
    if (request.rawHeaders.includes(ORIGIN)) return { kind: 'web', origin: ORIGIN, user, scopes: () => new Set(SCOPES) };
    return { kind: 'native', user };
  }

  override checkPreflight(): undefined {
    return undefined;
  }
}

/** The same answer for every method, at once: what is left is the way there. */
const handlers = Object.fromEntries(
  METHOD_NAMES.map((name) => [name, () => Promise.resolve({ cards: [] })]),
) as unknown as Handlers;

async function serve(gateOf: (port: number) => Gate, onRequest?: (request: IncomingMessage) => void): Promise<number> {
  const bound: { gate?: Gate } = {};
  const gate = (): Gate => {
    if (!bound.gate) throw new Error('not listening yet');
    return bound.gate;
  };
  const rest = createRest({ dispatcher: new Dispatcher(handlers, silentLog), gate, contents: new Contents() });
  await rest.ready();
  const server = createServer((request, response) => {
    onRequest?.(request);
    rest.routing(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  bound.gate = gateOf(port);
  return port;
}

const folder = process.argv[2] ?? '';
const policyFolder = join(folder, 'policy.d');
mkdirSync(policyFolder, { mode: 0o700 });
writeFileSync(join(policyFolder, 'bench.json'), JSON.stringify({ origins: [{ origin: ORIGIN, scopes: SCOPES }] }), {
  mode: 0o600,
});
const access = new Access({
  dataFolder: folder,
  policyFolder,
  log: silentLog,
  publish: () => undefined,
  prompts: new PromptDesk(),
});
const wanted = { origin: ORIGIN, user: ownUser(), scopes: SCOPES, reason: undefined };
const { token: pageToken } = await access.request(wanted, AbortSignal.timeout(10_000));
const seen = new Map<string, IncomingMessage>();
const gates: Gate[] = [];
const gated = await serve(
  (port) => {
    const gate = new Gate(port, TOKEN, access);
    gates.push(gate);
    return gate;
  },
  (request) => seen.set(request.headers.origin === undefined ? 'program' : 'page', request),
);
const open = await serve((port) => new OpenGate(port, TOKEN, access));
process.stdout.write(`${JSON.stringify({ gated, open, token: TOKEN, pageToken, origin: ORIGIN })}\n`);

/** For each line that comes in: microseconds that one check of the latest request of each kind takes. */
process.stdin.on('data', () => {
  const [gate] = gates;
  const times = [...seen].map(([kind, request]) => {
    const begin = performance.now();
    for (let count = 0; count < CHECKS; count++) gate?.check(request);
    return [kind, ((performance.now() - begin) / CHECKS) * 1_000] as const;
  });
  process.stdout.write(`${JSON.stringify(Object.fromEntries(times))}\n`);
});
process.stdin.on('end', () => process.exit(0));
