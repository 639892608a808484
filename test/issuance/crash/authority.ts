/**
 * The authority that some scenarios ask for certificates, by EST or by CMP. It lives in the process of the campaign, which outlives the daemon that is killed, and
 * breaks off whatever is to be broken off at one of the messages to it. It issues by request, as often as it is asked, remembers all of it, and takes a
 * confirmation once.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { benchAuthorities } from '../../../drivers/simulated/cards/eid.ts';
import { encodeCertsOnly } from '../../../drivers/simulated/authority/certs-only.ts';
import { issueByUsage } from '../authority.ts';
import { CmpAuthority } from './cmp-authority.ts';

export type AuthorityProtocol = 'cmp' | 'est';

/** Which message, from 1. What `strike` does is over before the connection ends without an answer. */
export interface MessageFault {
  readonly number: number;
  readonly when: 'after' | 'before';
  readonly strike: () => Promise<void>;
}

/** What was issued. */
export interface IssuedThere {
  /** PKCS #10, DER, as base64. */
  readonly request: string;
  /** DER, as base64. */
  readonly certificate: string;
  /** By CMP: the authority was told that it is taken. EST has no such message. */
  readonly isConfirmed: boolean;
}

interface Reply {
  readonly status: number;
  readonly type: string;
  readonly body: Uint8Array | string;
}

const EST = '/.well-known/est';
const CERTS_ONLY = 'application/pkcs7-mime; smime-type=certs-only';

export class CrashAuthority implements AsyncDisposable {
  /** Since they were counted anew. */
  messages = 0;
  readonly #server: Server;
  #issued: { request: string; certificate: string }[] = [];
  #cmp = new CmpAuthority((request) => this.#issue(request));
  #fault: MessageFault | undefined;

  private constructor() {
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
    });
  }

  /** On 127.0.0.1, at any free port. */
  static async open(): Promise<CrashAuthority> {
    const authority = new CrashAuthority();
    authority.#server.listen(0, '127.0.0.1');
    await once(authority.#server, 'listening');
    return authority;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  /** In the order of issue. */
  get issued(): readonly IssuedThere[] {
    return this.#issued.map((one) => ({ ...one, isConfirmed: this.#cmp.isConfirmed(one.certificate) }));
  }

  /** Forgets all that it issued, and counts its messages from here on. */
  begin(fault?: MessageFault): void {
    this.messages = 0;
    this.#issued = [];
    this.#cmp = new CmpAuthority((request) => this.#issue(request));
    this.#fault = fault;
  }

  disarm(): void {
    this.#fault = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    this.messages++;
    const fault = this.messages === this.#fault?.number ? this.#fault : undefined;
    const reply = fault?.when === 'before' ? undefined : this.#answer(request, Buffer.concat(chunks));
    if (fault) await fault.strike();
    if (fault || !reply) response.destroy();
    else response.writeHead(reply.status, { 'content-type': reply.type }).end(reply.body);
  }

  #answer({ method, url }: IncomingMessage, body: Buffer): Reply {
    if (method === 'POST' && url === '/')
      return { status: 200, type: 'application/pkixcmp', body: this.#cmp.answer(new Uint8Array(body)) };
    const certificates =
      method === 'GET' && url === `${EST}/cacerts`
        ? benchAuthorities().map(({ certificate }) => certificate)
        : method === 'POST' && url === `${EST}/simpleenroll`
          ? [this.#issue(new Uint8Array(Buffer.from(body.toString('latin1'), 'base64')))]
          : undefined;
    if (!certificates) return { status: 404, type: 'text/plain', body: '' };
    return { status: 200, type: CERTS_ONLY, body: Buffer.from(encodeCertsOnly(certificates)).toString('base64') };
  }

  #issue(request: Uint8Array): Uint8Array {
    const der = issueByUsage(request);
    this.#issued.push({ request: base64(request), certificate: base64(der) });
    return der;
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
