/** Stands between a program and kortd, and writes down what both send. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { FrameReader } from '../../../pkcs11-module/rpc/frame.ts';
import type { RecordedConnection, RecordedFrame } from './transcript.ts';

export interface Recorder extends AsyncDisposable {
  readonly connections: readonly RecordedConnection[];
}

/** `own`: the socket that the program is told of. */
export async function openRecorder(own: string, upstream: string): Promise<Recorder> {
  const connections: RecordedConnection[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((program) => {
    const kortd = connect(upstream);
    for (const socket of [program, kortd]) sockets.add(socket);
    const frames: RecordedFrame[] = [];
    const connection = { version: -1, answered: -1, frames };
    connections.push(connection);
    carry({ from: program, to: kortd, side: 'request', frames, onVersion: (version) => (connection.version = version) });
    carry({ from: kortd, to: program, side: 'answer', frames, onVersion: (version) => (connection.answered = version) });
  });
  server.listen(own);
  await once(server, 'listening');
  return {
    connections,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

interface Way {
  readonly from: Socket;
  readonly to: Socket;
  readonly side: RecordedFrame['side'];
  readonly frames: RecordedFrame[];
  readonly onVersion: (version: number) => void;
}

function carry({ from, to, side, frames, onVersion }: Way): void {
  const reader = new FrameReader();
  let isFirst = true;
  from.on('data', (piece: Buffer) => {
    let rest = piece;
    if (isFirst && piece[0] !== undefined) {
      onVersion(piece[0]);
      rest = piece.subarray(1);
      isFirst = false;
    }
    for (const { code, options, body } of reader.push(rest))
      frames.push({ side, code, options: Uint8Array.from(options), body: Uint8Array.from(body) });
    to.write(piece);
  });
  from.on('end', () => to.end());
  from.on('error', () => to.destroy());
}
