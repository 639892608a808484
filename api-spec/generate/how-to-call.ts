/** The reference's first chapter: from nothing to a first call, and the rules that every call follows. */
import {
  DEFAULT_PORT,
  IDEMPOTENCY_HEADER,
  LIMITS,
  SUBPROTOCOL,
  TIMEOUT_HEADER,
  TOKEN_SUBPROTOCOL_PREFIX,
  WEB_SOCKET_PATH,
} from '../wire.ts';
import { errorExample } from './example-errors.ts';
import { METHOD_EXAMPLES } from './examples.ts';
import { codeBlock, jsonBlock } from './markdown.ts';

const address = `127.0.0.1:${DEFAULT_PORT}`;
const params = JSON.stringify(METHOD_EXAMPLES['card.read'].params);

export function howToCall(): readonly string[] {
  return ['## How to call', ...start(), ...overRest(), ...overWebSocket(), ...rules()];
}

function start(): readonly string[] {
  return [
    'Start kortd on a simulated desk, with readers and cards in memory; the commands of this chapter work on it as they stand. Without `--simulate` it serves the real readers.',
    codeBlock('sh', ['kortd serve --simulate office']),
    '### From a shell',
    'The result goes to standard output as JSON; an error to standard error, with exit status 1. `-` reads the params from standard input, which keeps a PIN out of the process list. In a checkout, write `npm run -s kortd --` for `kortd`.',
    codeBlock('sh', ['kortd call reader.list', `kortd call card.read '${params}'`]),
    '### Address and access token',
    `kortd listens on ${address} and on [::1] with the same port, and nowhere else; it prints its address when it is ready. Its data folder (\`$XDG_STATE_HOME/kortd\`, else \`~/.local/state/kortd\`, or what \`--data-dir\` names) holds \`endpoint.json\` with the address and \`token\` with the access token. The token is new at each start.`,
  ];
}

function overRest(): readonly string[] {
  return [
    '### REST',
    'Params are the body, as one JSON object; a GET has none. The result is the body of a 200; everything else is `{ "error": … }`.',
    codeBlock('sh', [
      'TOKEN=$(cat ~/.local/state/kortd/token)',
      `curl -H "Authorization: Bearer $TOKEN" http://${address}/v1/readers`,
      `curl -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \\`,
      `  -d '${params}' http://${address}/v1/cards/read`,
    ]),
    `The header \`${TIMEOUT_HEADER}\` sets the deadline, \`${IDEMPOTENCY_HEADER}\` makes a repetition safe. Closing the connection gives the call up.`,
  ];
}

function overWebSocket(): readonly string[] {
  const error = errorExample('no_card');
  return [
    '### WebSocket',
    `JSON-RPC 2.0 in text messages at \`ws://${address}${WEB_SOCKET_PATH}\`, with the subprotocol \`${SUBPROTOCOL}\`. The access token goes in the \`Authorization\` header, or as a second subprotocol behind \`${TOKEN_SUBPROTOCOL_PREFIX}\`. This runs in Node as it stands; \`api-spec/client\` holds a typed client that does it all.`,
    codeBlock('js', [
      "import { readFileSync } from 'node:fs';",
      '',
      "const token = readFileSync(`${process.env.HOME}/.local/state/kortd/token`, 'utf8').trim();",
      `const socket = new WebSocket('ws://${address}${WEB_SOCKET_PATH}', ['${SUBPROTOCOL}', \`${TOKEN_SUBPROTOCOL_PREFIX}\${token}\`]);`,
      "socket.onopen = () => socket.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'reader.list' }));",
      'socket.onmessage = ({ data }) => console.log(data);',
    ]),
    `The first message is the [greeting](#greeting). A call may carry \`timeoutMs\` and \`idempotencyKey\` beside its \`params\`, which go by name. Answers come in any order; a call without \`id\` gets none. An array of 1 to ${LIMITS.batchCalls.value} calls is a batch, answered by an array. An error looks like this:`,
    jsonBlock({ jsonrpc: '2.0', id: 1, error: { code: -32_000, message: error.message, data: error } }),
  ];
}

function rules(): readonly string[] {
  return [
    '### Rules for every call',
    [
      '- Checked in this order: `Host` (127.0.0.1, localhost or [::1], with the port), `Origin` (none of a program; of a web page one that has a grant, or that asks for one by [access.request](#accessrequest)), access token, scope, params. Unknown params are refused.',
      '- A card is addressed by its id, or by `{ "reader": id }`; never by the order of readers. Each insertion gives a card a new id; a reader keeps its own.',
      `- Each call has a deadline: its own, or the one that the caller names, at most ${LIMITS.timeoutMs.value} ms, and longer where a method says so. On a WebSocket, [call.cancel](#callcancel) gives a call up. What is under way with the card ends between two exchanges: read the card again before going on.`,
      `- A repetition with the same idempotency key and params within ${LIMITS.idempotencyMs.value / 60_000} minutes is not done again: it gets the outcome of the first.`,
      '- PINs, PUKs and management keys in a call want the scope `pin.direct`. A PIN that is left out is typed on the keypad of the reader; the event [pin.prompted](#pinprompted) tells. A PIN counts for its own call only.',
      '- The last try of a PIN is not spent: the call ends with `pin_last_try` unless it says `allowLastTry`.',
      '- Calls to one reader take turns. [card.lease](#cardlease) keeps a card for several calls.',
      '- Long values in the examples are cut with `…`.',
    ].join('\n'),
  ];
}
