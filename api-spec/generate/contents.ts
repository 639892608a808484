/** The routes that are no calls: content as bytes. In OpenAPI, and in the reference for people. */
import type { ErrorCode } from '../errors.ts';
import { CONTENTS_PATH, CONTENTS_SCOPE, DEFAULT_PORT, LIMITS, TIMEOUT_HEADER } from '../wire.ts';
import { reference, type JsonObject } from './json-schema.ts';
import { codeBlock, codeList } from './markdown.ts';
import { errorDefinition, groupByStatus } from './methods.ts';

const GATE_ERRORS = [
  'host_refused',
  'invalid_request',
  'origin_refused',
  'scope_missing',
  'too_many_calls',
  'unauthorized',
] as const;
const UPLOAD_ERRORS: readonly ErrorCode[] = [...GATE_ERRORS, 'contents_full', 'deadline_exceeded', 'message_too_large'];
const FETCH_ERRORS: readonly ErrorCode[] = [...GATE_ERRORS, 'content_not_found'];

const BYTES: JsonObject = { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } };
const EXAMPLE = {
  content: '6b1c0a52-2f6b-4b0e-9d0e-3a5d4c1f7e90',
  size: 24,
  digests: { sha256: 'LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=', sha384: '…', sha512: '…' },
};

export function contentsPaths(): JsonObject {
  const id = { name: 'id', in: 'path', required: true, schema: { type: 'string', maxLength: 64 } };
  return {
    [CONTENTS_PATH]: { post: upload() },
    [`${CONTENTS_PATH}/{id}`]: {
      get: {
        ...operation('contents.get', 'The bytes of an upload that was kept, or of a result that was too long for an answer.'),
        parameters: [id],
        responses: { 200: { description: 'The bytes.', content: BYTES }, ...failures(FETCH_ERRORS) },
      },
      delete: {
        ...operation('contents.delete', 'Forget it before its time.'),
        parameters: [id],
        responses: { 200: { description: 'Done.', content: json({ type: 'object' }, {}) }, ...failures(FETCH_ERRORS) },
      },
    },
  };
}

function upload(): JsonObject {
  const keep = { name: 'keep', in: 'query', required: false, schema: { type: 'boolean', default: false } };
  const description = `Keep the bytes, ${LIMITS.keptBytes.value} in all, and not their digests alone.`;
  return {
    ...operation(
      'contents.upload',
      'Stream content in: it is hashed as it comes, and named by its id in the calls that sign it.',
    ),
    parameters: [{ ...keep, description }, { $ref: '#/components/parameters/TimeoutMs' }],
    requestBody: { required: true, content: BYTES },
    responses: {
      200: { description: 'It is there, for ten minutes.', content: json(uploaded(), EXAMPLE) },
      ...failures(UPLOAD_ERRORS),
    },
  };
}

function operation(operationId: string, summary: string): JsonObject {
  return { operationId, summary, tags: ['contents'], 'x-since': 1, 'x-scope': CONTENTS_SCOPE };
}

function uploaded(): JsonObject {
  const digest = { type: 'string', description: 'Base64.' };
  return {
    type: 'object',
    required: ['content', 'size', 'digests'],
    properties: {
      content: { type: 'string', description: 'Its id.' },
      size: { type: 'integer', description: 'Bytes.' },
      digests: {
        type: 'object',
        required: ['sha256', 'sha384', 'sha512'],
        properties: { sha256: digest, sha384: digest, sha512: digest },
        additionalProperties: false,
      },
    },
    additionalProperties: false,
  };
}

function json(schema: JsonObject, example: JsonObject): JsonObject {
  return { 'application/json': { schema, example } };
}

function failures(codes: readonly ErrorCode[]): JsonObject {
  return Object.fromEntries(
    [...groupByStatus([...codes].sort())].map(([status, group]) => [
      String(status),
      {
        description: group.map((code) => `\`${code}\`: ${errorDefinition(code).en.happened}`).join('\n\n'),
        'x-error-codes': group,
        content: { 'application/json': { schema: reference('ErrorBody') } },
      },
    ]),
  );
}

/** A section of the reference. */
export function contentsText(): readonly string[] {
  const minutes = LIMITS.contentMs.value / 60_000;
  return [
    '## Content as bytes',
    `What is too long for a message goes over REST as it is, beside the calls, with the scope \`${CONTENTS_SCOPE}\` and the same headers. An id is good for ${minutes} minutes, and for its owner alone: the programs of one user, or one web origin of one user.`,
    codeBlock('sh', [
      `curl -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/octet-stream' \\`,
      `  --data-binary @receipt.pdf http://127.0.0.1:${DEFAULT_PORT}${CONTENTS_PATH}`,
    ]),
    [
      `- \`POST ${CONTENTS_PATH}\` takes up to ${LIMITS.contentBytes.value} bytes, hashes them with SHA-256, SHA-384 and SHA-512, keeps those, and answers \`{ "content": id, "size", "digests" }\`. With \`?keep=true\` it keeps the bytes too, ${LIMITS.keptBytes.value} in all. \`${TIMEOUT_HEADER}\` bounds the time, \`requestMs\` unless given. Errors: ${codeList([...UPLOAD_ERRORS].sort())}`,
      `- \`GET ${CONTENTS_PATH}/{id}\` gives bytes that were kept, and results that were too long for an answer. Errors: ${codeList([...FETCH_ERRORS].sort())}`,
      `- \`DELETE ${CONTENTS_PATH}/{id}\` forgets them.`,
    ].join('\n'),
  ];
}
