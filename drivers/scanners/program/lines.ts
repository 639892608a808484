/** JSON texts, one a line, out of a stream that may hold anything: too long a line, too many of them, and what is no JSON object are told, and nothing is piled up. */

/** Pictures go as files: a report is far less. */
export const LINE_BYTES = 1_048_576;
/** Of a window: a scan sends some dozen. */
export const LINES_PER_WINDOW = 2_000;
const WINDOW_MS = 1_000;

export type Message = Readonly<Record<string, unknown>>;

export class JsonLines {
  readonly #onMessage: (message: Message) => void;
  readonly #onBroken: (problem: string) => void;
  readonly #now: () => number;
  #parts: Buffer[] = [];
  #bytes = 0;
  #isBroken = false;
  #window = { since: 0, lines: 0 };

  constructor(onMessage: (message: Message) => void, onBroken: (problem: string) => void, now = () => performance.now()) {
    this.#onMessage = onMessage;
    this.#onBroken = onBroken;
    this.#now = now;
  }

  write(chunk: Buffer): void {
    let rest = chunk;
    for (let end = rest.indexOf(0x0a); end !== -1 && !this.#isBroken; end = rest.indexOf(0x0a)) {
      this.#add(rest.subarray(0, end));
      this.#finish();
      rest = rest.subarray(end + 1);
    }
    this.#add(rest);
  }

  #add(part: Buffer): void {
    if (this.#isBroken || part.length === 0) return;
    this.#bytes += part.length;
    if (this.#bytes > LINE_BYTES) this.#break(`a line is longer than ${LINE_BYTES} bytes`);
    else this.#parts.push(part);
  }

  #finish(): void {
    if (this.#isBroken) return;
    const text = Buffer.concat(this.#parts).toString('utf8').trim();
    this.#parts = [];
    this.#bytes = 0;
    if (!this.#isWithinPace()) this.#break(`more than ${LINES_PER_WINDOW} lines in a second`);
    else if (text !== '') this.#read(text);
  }

  #read(text: string): void {
    let message: unknown;
    try {
      message = JSON.parse(text);
    } catch {
      message = undefined;
    }
    if (typeof message === 'object' && message !== null && !Array.isArray(message)) this.#onMessage(message as Message);
    else this.#break('a line is no JSON object');
  }

  #isWithinPace(): boolean {
    const now = this.#now();
    if (now - this.#window.since > WINDOW_MS) this.#window = { since: now, lines: 0 };
    return ++this.#window.lines <= LINES_PER_WINDOW;
  }

  #break(problem: string): void {
    if (this.#isBroken) return;
    this.#isBroken = true;
    this.#parts = [];
    this.#onBroken(problem);
  }
}
