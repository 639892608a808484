/**
 * Stands between a program and kortd, and writes down what both send: `node record.ts <kortd's socket> <socket for the program> <transcript> <title> <Name: value>...`,
 * until SIGTERM. The folder's README says how to have a program go through it.
 */
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { FrameReader } from '../../../pkcs11-module/rpc/frame.ts';
import { formatTranscript, type RecordedConnection, type RecordedFrame } from './transcript.ts';

const [upstream = '', own = '', file = '', title = '', ...described] = process.argv.slice(2);
const fields = new Map(described.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]));
rmSync(own, { force: true });
const server = createServer();
server.listen(own);
await once(server, 'listening');
process.stdout.write('listening\n');
const connections: RecordedConnection[] = [];
process.once('SIGTERM', () => {
  writeFileSync(file, formatTranscript({ title, fields, connections }));
  process.exit(0);
});
server.on('connection', (program: Socket) => record(program));

function record(program: Socket): void {
  const kortd = connect(upstream);
  const frames: RecordedFrame[] = [];
  const connection = { version: -1, answered: -1, frames };
  connections.push(connection);
  carry({ from: program, to: kortd, side: 'request', frames, onVersion: (version) => (connection.version = version) });
  carry({ from: kortd, to: program, side: 'answer', frames, onVersion: (version) => (connection.answered = version) });
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
