/**
 * signotec's local service with its pads, as a WebSocket server on loopback: the tokens of the vendor's client (STPadServerLib 3.3.2), written a second time.
 * Numbers go out as text, as the real one sends them. What the real service signs is not public: this one signs SHA-256 over signature data and document
 * hash with RSA-PSS, by a key that is made when it is first needed. Its negative return codes are invented, but for being negative.
 */
import { createSign, constants, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer as createHttpServer, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';
import { signCertificate } from '../certificate.ts';
import { systemClock, type SimulatedClock } from '../clock.ts';
import type { PenPoint } from './pen.ts';

/** What goes wrong, by the command ("OPEN_PAD") or by the point of the writing, counted from 1. */
export type SignotecFault =
  | { readonly kind: 'returnCode'; readonly command: string; readonly code: number; readonly description?: string }
  /** Never answered. */
  | { readonly kind: 'mute'; readonly command: string }
  | { readonly kind: 'late'; readonly command: string; readonly delayMs: number }
  /** Answered with this text, which need not be a message. */
  | { readonly kind: 'garbage'; readonly command: string; readonly text: string }
  /** Answered with so many bytes. */
  | { readonly kind: 'huge'; readonly command: string; readonly bytes: number }
  /** The connection ends at this command. */
  | { readonly kind: 'drop'; readonly command: string }
  /** The pad is unplugged before this point: the service says so. */
  | { readonly kind: 'unplug'; readonly at: number }
  /** The service takes this point and does not tell of it. */
  | { readonly kind: 'losePoint'; readonly at: number }
  /** This point has no coordinates. */
  | { readonly kind: 'badPoint'; readonly at: number }
  /** An ERROR event comes before this point. */
  | { readonly kind: 'error'; readonly at: number; readonly code: number };

export interface SimulatedSignotecPadOptions {
  /** TOKEN_PARAM_PAD_TYPE. Default: 15, a Gamma on USB. */
  readonly type?: number;
  readonly serialNumber?: string;
  readonly firmware?: string;
  /** Default: RSA and content signing (0x40, 0x80), a certificate can be stored (0x800). */
  readonly capabilities?: number;
  readonly widthPx?: number;
  readonly heightPx?: number;
  readonly dotsPerInch?: number;
  /** Ends of its coordinates. */
  readonly resolution?: { readonly x: number; readonly y: number };
  readonly rateHz?: number;
}

export interface SimulatedSignotecOptions {
  /** 0, the default, takes any free one. */
  readonly port?: number;
  readonly tls?: { readonly key: string; readonly cert: string };
  readonly pads?: readonly SimulatedSignotecPadOptions[];
  readonly faults?: readonly SignotecFault[];
  /** It is there and says nothing at all, not even to pings. */
  readonly isHung?: boolean;
  readonly clock?: SimulatedClock;
}

export interface SimulatedSignotec extends AsyncDisposable {
  /** "ws://127.0.0.1:49494". */
  readonly url: string;
  readonly pads: readonly SimulatedSignotecPad[];
  /** Connections that stand. */
  readonly connections: number;
  /** Unplugs a pad: whoever has it open is told. */
  unplug(pad: SimulatedSignotecPad): void;
  plug(pad: SimulatedSignotecPad): void;
}

type Send = (message: Readonly<Record<string, unknown>>) => void;

/** A pad of the service. Written on and pressed from outside, as by a person. */
export class SimulatedSignotecPad {
  readonly options: Required<SimulatedSignotecPadOptions>;
  readonly #clock: SimulatedClock;
  readonly #faults: readonly SignotecFault[];
  /** Who has it open; undefined while nobody has. */
  holder: Send | undefined;
  /** Parameters of SIGNATURE_START, while a signature is under way. */
  signature: Readonly<Record<string, unknown>> | undefined;
  points = 0;
  onUnplug: () => void = () => undefined;

  constructor(
    options: SimulatedSignotecPadOptions,
    { clock, faults }: { readonly clock: SimulatedClock; readonly faults: readonly SignotecFault[] },
  ) {
    this.options = {
      type: 15,
      serialNumber: '1000001',
      firmware: '2.10',
      capabilities: 0x8c1,
      widthPx: 800,
      heightPx: 480,
      dotsPerInch: 188,
      resolution: { x: 10_000, y: 6_000 },
      rateHz: 280,
      ...options,
    };
    this.#clock = clock;
    this.#faults = faults;
  }

  get areaMm(): { readonly width: number; readonly height: number } {
    const { widthPx, heightPx, dotsPerInch } = this.options;
    return { width: (widthPx / dotsPerInch) * 25.4, height: (heightPx / dotsPerInch) * 25.4 };
  }

  /** Points without pressure are not told, but for the first of each stroke, which is. */
  async write(points: readonly PenPoint[], { signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    const { rateHz } = this.options;
    const startMs = this.#clock.now();
    let isDown = false;
    for (const [index, point] of points.entries()) {
      if (this.#suffer(index + 1)) return;
      if (point.pressure !== undefined) this.#tell(point, { at: index + 1, isFirst: !isDown });
      isDown = point.pressure !== undefined;
      if ((index + 1) % 8 === 0)
        await this.#clock.wait(Math.max(0, startMs + ((index + 1) * 1000) / rateHz - this.#clock.now()), signal);
    }
  }

  /** One of the three buttons that the service shows. */
  press(button: 'accept' | 'cancel' | 'clear'): void {
    const token = { accept: 'CONFIRM', cancel: 'CANCEL', clear: 'RETRY' }[button];
    if (this.signature) this.holder?.({ TOKEN_CMD: `TOKEN_CMD_SIGNATURE_${token}` });
  }

  #suffer(at: number): boolean {
    for (const fault of this.#faults) {
      if (!('at' in fault) || fault.at !== at) continue;
      if (fault.kind === 'error')
        this.holder?.({
          TOKEN_CMD: 'TOKEN_CMD_ERROR',
          TOKEN_PARAM_RETURN_CODE: String(fault.code),
          TOKEN_PARAM_ERROR_DESCRIPTION: 'simulated',
        });
      if (fault.kind !== 'unplug') continue;
      this.onUnplug();
      return true;
    }
    return false;
  }

  #tell({ xMm, yMm, pressure = 0 }: PenPoint, { at, isFirst }: { readonly at: number; readonly isFirst: boolean }): void {
    if (!this.signature) return;
    this.points += 1;
    const kinds = this.#faults.flatMap((fault) => ('at' in fault && fault.at === at ? [fault.kind] : []));
    if (kinds.includes('losePoint')) return;
    const { resolution } = this.options;
    const x = kinds.includes('badPoint') ? 'NaN' : String(Math.round((xMm / this.areaMm.width) * resolution.x));
    const y = String(Math.round((yMm / this.areaMm.height) * resolution.y));
    const p = isFirst ? '0' : String(Math.max(1, Math.round(pressure * 1023)));
    this.holder?.({ TOKEN_CMD: 'TOKEN_CMD_SIGNATURE_POINT', TOKEN_PARAM_POINT: { x, y, p } });
  }
}

/** Whoever started it disposes of it. */
export async function serveSimulatedSignotec(options: SimulatedSignotecOptions = {}): Promise<SimulatedSignotec> {
  const { faults = [], clock = systemClock, tls, isHung = false } = options;
  const pads = (options.pads ?? [{}]).map((pad) => new SimulatedSignotecPad(pad, { clock, faults }));
  const plugged = new Set(pads);
  const http: Server = tls ? createHttpsServer(tls) : createHttpServer();
  const server = new WebSocketServer({ server: http, autoPong: !isHung, maxPayload: 16 * 1024 * 1024 });
  const unplug = (pad: SimulatedSignotecPad): void => {
    const index = [...plugged].indexOf(pad);
    plugged.delete(pad);
    pad.holder?.({ TOKEN_CMD: 'TOKEN_CMD_DISCONNECT', TOKEN_PARAM_PAD_INDEX: String(index) });
    pad.holder = undefined;
    pad.signature = undefined;
  };
  for (const pad of pads) pad.onUnplug = () => unplug(pad);
  server.on('connection', (socket) => new Session(socket, { pads: () => [...plugged], faults, clock, isHung }));
  await new Promise<void>((resolve, reject) => {
    http.once('error', reject);
    http.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const { port } = http.address() as AddressInfo;
  return {
    url: `${tls ? 'wss' : 'ws'}://127.0.0.1:${port}`,
    pads,
    get connections() {
      return server.clients.size;
    },
    unplug,
    plug: (pad) => void plugged.add(pad),
    [Symbol.asyncDispose]: async () => {
      for (const socket of server.clients) socket.terminate();
      server.close();
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}

interface SessionOptions {
  readonly pads: () => readonly SimulatedSignotecPad[];
  readonly faults: readonly SignotecFault[];
  readonly clock: SimulatedClock;
  readonly isHung: boolean;
}

type Answer = Readonly<Record<string, unknown>>;

/** One connection: at most one pad is open in it. */
class Session {
  readonly #socket: WebSocket;
  readonly #options: SessionOptions;
  #pad: SimulatedSignotecPad | undefined;
  #isConfirmed = false;

  constructor(socket: WebSocket, options: SessionOptions) {
    this.#socket = socket;
    this.#options = options;
    socket.on('message', (data) => void this.#take(Buffer.isBuffer(data) ? data.toString('utf8') : ''));
    socket.on('close', () => this.#release());
    socket.on('error', () => socket.terminate());
  }

  async #take(text: string): Promise<void> {
    if (this.#options.isHung) return;
    const request = JSON.parse(text) as Readonly<Record<string, unknown>>;
    const command = String(request['TOKEN_CMD']).replace('TOKEN_CMD_', '');
    for (const fault of this.#options.faults) {
      if (!('command' in fault) || fault.command !== command) continue;
      if (fault.kind === 'late') await this.#options.clock.wait(fault.delayMs);
      else if (this.#fail(fault, command)) return;
    }
    const answer = this.#answer(command, request);
    if (answer) this.#respond(command, answer);
    else
      this.#send({
        TOKEN_TYPE: 'TOKEN_TYPE_SEND',
        TOKEN_CMD: 'TOKEN_CMD_INCORRECT_COMMAND',
        TOKEN_PARAM_EXCEPTION_CAUSE: `no ${command}`,
      });
  }

  #fail(fault: Extract<SignotecFault, { readonly command: string }>, command: string): boolean {
    switch (fault.kind) {
      case 'returnCode':
        this.#respond(command, failure(fault.code, fault.description ?? 'simulated'));
        return true;
      case 'garbage':
        this.#socket.send(fault.text);
        return true;
      case 'huge':
        this.#respond(command, { TOKEN_PARAM_RETURN_CODE: '0', TOKEN_PARAM_FILE: 'A'.repeat(fault.bytes) });
        return true;
      case 'drop':
        this.#socket.terminate();
        return true;
      case 'mute':
        return true;
      case 'late':
        return false;
    }
  }

  #answer(command: string, request: Readonly<Record<string, unknown>>): Answer | undefined {
    switch (command) {
      case 'GET_SERVER_VERSION':
        return { ...done(), TOKEN_PARAM_VERSION: '3.3.2.0', TOKEN_PARAM_OS: 'Linux' };
      case 'SET_INTERFACE_VERSION':
        return request['TOKEN_PARAM_VERSION'] === '3.3.0.0' ? done() : failure(-94, 'the interface version is not supported');
      case 'SEARCH_FOR_PADS':
        return { ...done(this.#options.pads().length), TOKEN_PARAM_CONNECTED_PADS: this.#options.pads().map(told) };
      case 'OPEN_PAD':
        return this.#open(Number(request['TOKEN_PARAM_PAD_INDEX']));
      case 'CLOSE_PAD':
        this.#release();
        return done();
      default:
        return this.#signing(command, request);
    }
  }

  #signing(command: string, request: Readonly<Record<string, unknown>>): Answer | undefined {
    const pad = this.#pad;
    const known = ['START', 'RETRY', 'CANCEL', 'CONFIRM', 'SIGN_DATA'].map((name) => `SIGNATURE_${name}`);
    if (command !== 'SIGNING_CERT' && !known.includes(command)) return undefined;
    if (!pad) return failure(-22, 'no pad is open');
    if (command === 'SIGNATURE_START') {
      pad.signature = request;
      pad.points = 0;
      this.#isConfirmed = false;
      return done();
    }
    if (command === 'SIGNING_CERT') return { ...done(), TOKEN_PARAM_SIGNING_CERT: certificate() };
    const { signature } = pad;
    if (!signature) return failure(-31, 'no signature capture process was started');
    if (command === 'SIGNATURE_RETRY') pad.points = 0;
    if (command === 'SIGNATURE_CANCEL') pad.signature = undefined;
    if (command === 'SIGNATURE_CONFIRM') this.#isConfirmed = true;
    if (command !== 'SIGNATURE_SIGN_DATA') return done(command === 'SIGNATURE_CONFIRM' ? pad.points : 0);
    return this.#isConfirmed ? this.#sign(signature) : failure(-32, 'the signature is not confirmed');
  }

  #open(index: number): Answer {
    const pad = this.#options.pads()[index];
    if (!pad) return failure(-21, 'No compatible devices connected or the connection to a device has been cut.');
    if (pad.holder) return failure(-23, 'the pad is open already');
    this.#pad = pad;
    pad.holder = (event) => this.#send({ TOKEN_TYPE: 'TOKEN_TYPE_SEND', ...event });
    const { widthPx, heightPx, resolution, rateHz, dotsPerInch } = pad.options;
    return {
      ...done(),
      TOKEN_PARAM_PAD_DISPLAY_WIDTH: String(widthPx),
      TOKEN_PARAM_PAD_DISPLAY_HEIGHT: String(heightPx),
      TOKEN_PARAM_PAD_X_RESOLUTION: String(resolution.x),
      TOKEN_PARAM_PAD_Y_RESOLUTION: String(resolution.y),
      TOKEN_PARAM_PAD_SAMPLING_RATE: String(rateHz),
      TOKEN_PARAM_PAD_DIALOG_WIDTH: String(widthPx),
      TOKEN_PARAM_PAD_DIALOG_HEIGHT: String(heightPx),
      TOKEN_PARAM_PAD_DISPLAY_RESOLUTION: String(dotsPerInch),
    };
  }

  #sign(signature: Readonly<Record<string, unknown>>): Answer {
    const signData = Buffer.from('simulated signature data');
    const given = signature['TOKEN_PARAM_DOCHASH'];
    const hash = Buffer.from(typeof given === 'string' ? given : '', 'base64');
    const padding = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
    const rsaSignature = createSign('sha256')
      .update(signData)
      .update(hash)
      .sign({ key: signingKey().privateKey, ...padding });
    const isEncrypted = signature['TOKEN_PARAM_ENCRYPTION_CERT'] !== undefined;
    return {
      ...done(),
      TOKEN_PARAM_SIGNATURE_SIGN_DATA: signData.toString('base64'),
      ...(isEncrypted ? { TOKEN_PARAM_CERT_ID: 'CN=simulated,1' } : {}),
      TOKEN_PARAM_SIGNATURE_RSA_SIGNATURE: rsaSignature.toString('base64'),
    };
  }

  #release(): void {
    if (!this.#pad) return;
    this.#pad.holder = undefined;
    this.#pad.signature = undefined;
    this.#pad = undefined;
  }

  #respond(command: string, answer: Answer): void {
    this.#send({ TOKEN_TYPE: 'TOKEN_TYPE_RESPONSE', TOKEN_CMD_ORIGIN: `TOKEN_CMD_${command}`, ...answer });
  }

  #send(message: Readonly<Record<string, unknown>>): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(JSON.stringify(message));
  }
}

function done(returnCode = 0): Answer {
  return { TOKEN_PARAM_RETURN_CODE: String(returnCode) };
}

function failure(code: number, description: string): Answer {
  return { TOKEN_PARAM_RETURN_CODE: String(code), TOKEN_PARAM_ERROR_DESCRIPTION: description };
}

function told({ options }: SimulatedSignotecPad, index: number): Answer {
  return {
    TOKEN_PARAM_PAD_INDEX: String(index),
    TOKEN_PARAM_PAD_TYPE: String(options.type),
    TOKEN_PARAM_PAD_CONNECTION_TYPE: 'HID',
    TOKEN_PARAM_PAD_FIRMWARE_VERSION: options.firmware,
    TOKEN_PARAM_PAD_SERIAL_NUMBER: options.serialNumber,
    TOKEN_PARAM_PAD_CAPABILITIES: String(options.capabilities),
  };
}

let keys: { readonly publicKey: KeyObject; readonly privateKey: KeyObject } | undefined;

/** Made with the first signature, for all simulated pads: nothing to trust. */
function signingKey(): { readonly publicKey: KeyObject; readonly privateKey: KeyObject } {
  keys ??= generateKeyPairSync('rsa', { modulusLength: 2048 });
  return keys;
}

function certificate(): string {
  const { publicKey, privateKey } = signingKey();
  const name = [['CN', 'Simulated signotec pad']] as const;
  const der = signCertificate(
    {
      serialNumber: 1n,
      subject: name,
      issuer: name,
      notBefore: new Date('2024-01-01T00:00:00Z'),
      notAfter: new Date('2049-01-01T00:00:00Z'),
      publicKey: publicKey.export({ type: 'spki', format: 'der' }),
      extensions: [],
    },
    privateKey,
  );
  return Buffer.from(der).toString('base64');
}
