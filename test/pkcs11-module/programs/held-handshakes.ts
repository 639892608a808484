/** Programs that show a card's certificate to a server, each held in the middle: its module is loaded and its key found, and the server has not answered its first word. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { within } from '../../api/support.ts';
import { startProgram } from './started.ts';
import { startTlsServer, type TlsServer } from './tls-server.ts';
import { MODULE } from './tools.ts';

const SLOW_MS = 30_000;
const REQUEST = 'GET / HTTP/1.0\r\n\r\n';

export interface ShownKey {
  /** RFC 7512. */
  readonly uri: string;
  /** Of NSS: token and label. */
  readonly nickname: string;
  readonly pin: string;
}

export interface Place {
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  file(name: string, content: string): Promise<string>;
  run(command: string, parameters: readonly string[]): Promise<string>;
}

type Client = 'curl' | 'gnutls-cli' | 'tstclnt';
export const CLIENTS: readonly Client[] = ['curl', 'gnutls-cli', 'tstclnt'];

/** How a program ended. */
export interface Ending {
  readonly client: string;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
}

export interface HandshakePlace extends AsyncDisposable {
  /** Starts each client with each key, waits until all are in the middle, and goes on with them after `befall`. */
  hold(keys: readonly ShownKey[], befall: () => Promise<void>): Promise<readonly Ending[]>;
}

/** With a server, and a database of NSS that trusts it and has the module. */
export async function openHandshakes(place: Place): Promise<HandshakePlace> {
  await using undo = new AsyncDisposableStack();
  const server = undo.use(await startTlsServer('TLSv1.3'));
  await place.file('server.pem', server.certificate);
  await place.run('certutil', ['-N', '-d', 'sql:.', '--empty-password']);
  await place.run('certutil', ['-A', '-d', 'sql:.', '-n', 'server', '-t', 'P,,', '-a', '-i', 'server.pem']);
  await place.run('modutil', ['-dbdir', 'sql:.', '-add', 'kortd', '-libfile', MODULE, '-force']);
  const resources = undo.move();
  return {
    hold: async (keys, befall) => {
      await using gate = await openGate(server);
      const begun = keys.flatMap((key) => CLIENTS.map((client) => runClient(client, { key, place, port: gate.port })));
      await within(Promise.race([gate.waiting(begun.length), ...begun.map(refused)]), 'the handshakes to begin', SLOW_MS);
      await befall();
      gate.open();
      return await Promise.all(begun);
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

/** One that ends before it came so far. */
async function refused(running: Promise<Ending>): Promise<never> {
  const { client, output } = await running;
  throw new Error(`${client} ended before its handshake: ${output}`);
}

interface Visit {
  readonly key: ShownKey;
  readonly place: Place;
  readonly port: number;
}

async function runClient(client: Client, { key, place, port }: Visit): Promise<Ending> {
  const environment = { ...place.environment, GNUTLS_PIN: key.pin };
  await using program = startProgram([client, ...parametersOf(client, key, port)], { folder: place.folder, environment });
  program.child.stdin?.end(REQUEST);
  await within(once(program.child, 'close'), `the end of ${client} with ${key.nickname}`, SLOW_MS);
  return { client: `${client} with ${key.nickname}`, signal: program.child.signalCode, output: program.output() };
}

function parametersOf(client: Client, { uri, nickname, pin }: ShownKey, port: number): readonly string[] {
  switch (client) {
    case 'curl': {
      const own = ['--cert', `${uri};type=cert`, '--key', `${uri};type=private;pin-value=${pin}`];
      const engine = ['--engine', 'pkcs11', '--cert-type', 'ENG', '--key-type', 'ENG'];
      return ['-sS', '--max-time', '25', '--cacert', 'server.pem', ...engine, ...own, `https://localhost:${port}/`];
    }
    case 'gnutls-cli': {
      const own = ['--x509certfile', `${uri};type=cert`, '--x509keyfile', `${uri};type=private`];
      return ['--provider', MODULE, '--x509cafile', 'server.pem', ...own, '--port', String(port), 'localhost'];
    }
    case 'tstclnt':
      return ['-h', 'localhost', '-p', String(port), '-d', 'sql:.', '-V', 'tls1.3:tls1.3', '-o', '-4', '-n', nickname, '-w', pin];
  }
}

interface Gate extends AsyncDisposable {
  readonly port: number;
  /** Resolves when so many clients have said their first word. */
  waiting(count: number): Promise<void>;
  open(): void;
}

/** Before the server: what clients say is kept until it opens. */
async function openGate({ port }: Pick<TlsServer, 'port'>): Promise<Gate> {
  const opened = Promise.withResolvers<undefined>();
  const sockets = new Set<Socket>();
  let come = 0;
  let tell = (): void => undefined;
  const gate = createServer((client) => {
    sockets.add(client);
    client.on('error', () => client.destroy());
    client.once('readable', () => {
      come++;
      tell();
      void opened.promise.then(() => {
        const behind = connect(port, '127.0.0.1');
        sockets.add(behind);
        behind.on('error', () => client.destroy());
        client.on('close', () => behind.destroy());
        client.pipe(behind).pipe(client);
      });
    });
  });
  gate.listen(0, '127.0.0.1');
  await once(gate, 'listening');
  return {
    port: (gate.address() as AddressInfo).port,
    waiting: (count) =>
      new Promise((resolve) => {
        tell = () => {
          if (come >= count) resolve();
        };
        tell();
      }),
    open: () => opened.resolve(undefined),
    [Symbol.asyncDispose]: async () => {
      const closed = once(gate, 'close');
      gate.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
