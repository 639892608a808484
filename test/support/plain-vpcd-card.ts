/** The least that passes for a card in a vpcd reader: an ATR, and a function that answers commands. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { acknowledgeAtOnce } from '../../drivers/simulated/quick-ack.ts';

/** T=0 and T=1, contactless style; pcscd chooses T=1. */
export const PLAIN_ATR = Uint8Array.of(0x3b, 0x80, 0x80, 0x01, 0x01);

export interface PlainCard extends AsyncDisposable {
  /** Powers and resets seen, in order. */
  readonly controls: readonly ('off' | 'on' | 'reset')[];
  /** Commands seen, in order. */
  readonly commands: readonly Uint8Array[];
  /** Closes the connection at once, even within a command. */
  pull(): void;
}

export interface PlainCardOptions {
  readonly atr?: Uint8Array;
  /** 9000 by default. */
  readonly answer?: (command: Uint8Array) => Uint8Array | Promise<Uint8Array>;
}

const CONTROLS = ['off', 'on', 'reset'] as const;

/** Puts a card into the reader that listens on `port`. */
export async function insertPlainCard(port: number, options: PlainCardOptions = {}): Promise<PlainCard> {
  const { atr = PLAIN_ATR, answer = () => Uint8Array.of(0x90, 0x00) } = options;
  const socket = connect(port, '127.0.0.1').setNoDelay(true);
  await once(socket, 'connect');
  socket.on('error', () => socket.destroy()); // pcscd went
  const controls: ('off' | 'on' | 'reset')[] = [];
  const commands: Uint8Array[] = [];
  acknowledgeAtOnce(socket);
  let received = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    acknowledgeAtOnce(socket);
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
      const message = new Uint8Array(received.subarray(2, 2 + received.readUInt16BE(0)));
      received = received.subarray(2 + message.length);
      void handle(message);
    }
  });
  const handle = async (message: Uint8Array): Promise<void> => {
    if (message.length !== 1) {
      commands.push(message);
      const response = answer(message);
      send(socket, response instanceof Uint8Array ? response : await response);
    } else if (message[0] === 4) send(socket, atr);
    else controls.push(CONTROLS[message[0] as 0 | 1 | 2]);
  };
  return {
    controls,
    commands,
    pull: () => socket.destroy(),
    async [Symbol.asyncDispose]() {
      if (socket.closed) return;
      const closed = once(socket, 'close');
      socket.destroy();
      await closed;
    },
  };
}

function send(socket: Socket, bytes: Uint8Array): void {
  if (socket.destroyed) return;
  const message = Buffer.allocUnsafe(2 + bytes.length);
  message.writeUInt16BE(bytes.length);
  message.set(bytes, 2);
  socket.write(message);
  acknowledgeAtOnce(socket);
}
