import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { ConsoleGate, ConsoleRefusedError } from './console-gate.ts';

const gate = new ConsoleGate(27_151);
const HOST = '127.0.0.1:27151';
type Headers = readonly (readonly [string, string])[];

/** As Node hands headers over: names and values in turn, repeated ones too. */
const withHeaders = (headers: Headers): IncomingMessage => ({ rawHeaders: headers.flat() }) as unknown as IncomingMessage;

function statusOf(check: () => unknown): number {
  try {
    check();
    return 200;
  } catch (error) {
    if (error instanceof ConsoleRefusedError) return error.httpStatus;
    throw error;
  }
}

describe('the gate of the console', () => {
  it.each([HOST, 'localhost:27151', '[::1]:27151', 'LOCALHOST:27151'])('knows itself as %s', (host) => {
    expect(gate.hostOf(withHeaders([['Host', host]]))).toBe(host.toLowerCase());
  });

  it.each([
    [[]],
    [[['Host', '']]],
    [[['Host', '127.0.0.1']]],
    [[['Host', '127.0.0.1:27150']]],
    [[['Host', 'localhost.:27151']]],
    [[['Host', '0.0.0.0:27151']]],
    [[['Host', '[::ffff:7f00:1]:27151']]],
    [[['Host', 'x.localhost:27151']]],
    [[['Host', 'rebound.example:27151']]],
    [
      [
        ['Host', HOST],
        ['host', HOST],
      ],
    ],
    [
      [
        ['Host', HOST],
        ['HOST', 'evil.example'],
      ],
    ],
  ] as readonly (readonly [Headers])[])('refuses as host: %j', (headers) => {
    expect(statusOf(() => gate.hostOf(withHeaders(headers)))).toBe(403);
  });

  it.each([
    [[], 200],
    [
      [
        ['Sec-Fetch-Mode', 'navigate'],
        ['Sec-Fetch-Dest', 'document'],
        ['Sec-Fetch-Site', 'none'],
      ],
      200,
    ],
    [
      [
        ['Sec-Fetch-Mode', 'navigate'],
        ['Sec-Fetch-Dest', 'document'],
        ['Sec-Fetch-Site', 'cross-site'],
      ],
      200,
    ],
    [
      [
        ['Sec-Fetch-Mode', 'navigate'],
        ['Sec-Fetch-Dest', 'iframe'],
      ],
      403,
    ],
    [
      [
        ['Sec-Fetch-Mode', 'navigate'],
        ['Sec-Fetch-Dest', 'object'],
      ],
      403,
    ],
    [
      [
        ['Sec-Fetch-Mode', 'no-cors'],
        ['Sec-Fetch-Dest', 'image'],
      ],
      403,
    ],
    [[['Sec-Fetch-Mode', 'cors']], 403],
    [
      [
        ['Sec-Fetch-Dest', 'document'],
        ['sec-fetch-dest', 'iframe'],
      ],
      403,
    ],
    [[['Origin', 'https://evil.example']], 403],
    [[['Origin', `http://${HOST}`]], 403],
  ] as readonly (readonly [Headers, number])[])('gives the page itself, asked for with %j: %i', (headers, status) => {
    expect(statusOf(() => gate.requireNavigation(withHeaders(headers)))).toBe(status);
  });

  it.each([
    [[], 200, 403],
    [[['Origin', `http://${HOST}`]], 200, 200],
    [
      [
        ['Origin', `http://${HOST}`],
        ['Sec-Fetch-Site', 'same-origin'],
      ],
      200,
      200,
    ],
    [
      [
        ['Origin', `http://${HOST}`],
        ['Sec-Fetch-Site', 'cross-site'],
      ],
      403,
      403,
    ],
    [
      [
        ['Origin', `http://${HOST}`],
        ['Sec-Fetch-Site', 'same-site'],
      ],
      403,
      403,
    ],
    [
      [
        ['Origin', `http://${HOST}`],
        ['Sec-Fetch-Site', 'none'],
      ],
      403,
      403,
    ],
    [
      [
        ['Origin', `http://${HOST}`],
        ['origin', `http://${HOST}`],
      ],
      200,
      403,
    ],
    [[['Origin', `http://${HOST}/`]], 403, 403],
    [[['Origin', `https://${HOST}`]], 403, 403],
    [[['Origin', `HTTP://${HOST}`]], 403, 403],
    [[['Origin', 'http://localhost:27151']], 403, 403],
    [[['Origin', 'http://127.0.0.1:27150']], 403, 403],
    [[['Origin', 'null']], 403, 403],
    [[['Origin', '']], 403, 403],
  ] as readonly (readonly [Headers, number, number])[])(
    'with %j gives what the page loads: %i, and lets act: %i',
    (headers, loads, acts) => {
      expect(statusOf(() => gate.requireOwnPage(withHeaders(headers), HOST))).toBe(loads);
      expect(statusOf(() => gate.requireOwnOrigin(withHeaders(headers), HOST))).toBe(acts);
    },
  );
});
