/** serialport and nothing else: does what it is told, one message for each command, and keeps what came on the line. */
import { SerialPort } from 'serialport';

interface Command {
  readonly do: 'list' | 'open' | 'write' | 'get' | 'set' | 'update' | 'received' | 'cpu' | 'close' | 'exit';
  readonly path?: string;
  readonly baudRate?: number;
  readonly parity?: 'none' | 'odd' | 'even';
  readonly dataBits?: 7 | 8;
  readonly bytes?: string;
  readonly lines?: { readonly dtr?: boolean; readonly rts?: boolean; readonly brk?: boolean };
  readonly forMs?: number;
}

interface Open {
  readonly port: SerialPort;
  readonly chunks: string[];
  closed?: string;
}

const open = new Map<string, Open>();

type Done<T> = (error?: Error | null, value?: T) => void;

function called<T>(start: (done: Done<T>) => void): Promise<T | 'done'> {
  return new Promise((resolve, reject) => {
    start((error, value) => {
      if (error) reject(error);
      else resolve(value ?? 'done');
    });
  });
}

function handle(path: string | undefined): Open {
  const found = open.get(path ?? '');
  if (!found) throw new Error(`${path ?? 'nothing'} is not open`);
  return found;
}

async function openPort({ path = '', baudRate = 9600, parity = 'none', dataBits = 8 }: Command): Promise<string> {
  const port = new SerialPort({ path, baudRate, parity, dataBits, autoOpen: false });
  await called((done) => {
    port.open(done);
  });
  const entry: Open = { port, chunks: [] };
  open.set(path, entry);
  port.on('data', (chunk: Buffer) => entry.chunks.push(chunk.toString('hex')));
  port.on('close', (error?: { readonly disconnected?: boolean }) => {
    entry.closed = error?.disconnected === true ? 'hung up' : 'closed';
  });
  port.on('error', () => undefined);
  return 'open';
}

/** Milliseconds of processor time that this process took in so many of the clock. */
async function processorTime(forMs: number): Promise<number> {
  const before = process.cpuUsage();
  await new Promise((resolve) => setTimeout(resolve, forMs));
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

async function run(command: Command): Promise<unknown> {
  const { path = '', forMs = 1000 } = command;
  switch (command.do) {
    case 'list':
      return (await SerialPort.list()).map((port) => ({ ...port }));
    case 'open':
      return await openPort(command);
    case 'write':
      return await called((done) => handle(path).port.write(Buffer.from(command.bytes ?? '', 'hex'), done));
    case 'get':
      return await called((done) => {
        handle(path).port.get(done);
      });
    case 'set':
      return await called((done) => {
        handle(path).port.set(command.lines ?? {}, done);
      });
    case 'update':
      return await called((done) => {
        handle(path).port.update({ baudRate: command.baudRate ?? 9600 }, done);
      });
    case 'received': {
      const { chunks, closed } = handle(path);
      return { chunks, closed };
    }
    case 'cpu':
      return await processorTime(forMs);
    case 'close':
      return await called((done) => {
        handle(path).port.close(done);
      });
    case 'exit':
      process.disconnect();
      return undefined;
  }
}

process.on('message', (command: Command) => {
  run(command).then(
    (result) => process.connected && process.send?.({ result }),
    (error: unknown) => process.send?.({ error: error instanceof Error ? error.message : String(error) }),
  );
});
