/** A door for portals that speak no EST: JSON in, PEM out. What a card office's own portal does by hand, a test does here. */
import type { FastifyInstance } from 'fastify';
import Type, { type Static, type TSchema } from 'typebox';
import { SimulationFileError } from '../errors.ts';
import { parseChecked } from '../schema.ts';
import type { TestAuthority, Which } from './authority.ts';
import { CERTIFICATE_LABELS, REQUEST_LABELS, decodeBody, encodePem } from './encodings.ts';
import { AuthorityError } from './errors.ts';
import { DAY_MS, DEFAULT_PROFILE, findProfile, requireDays } from './profiles.ts';
import { REASON_NAMES } from './reasons.ts';
import { bodyOf } from './request-body.ts';

const strict = { additionalProperties: false } as const;
const MAX_TEXT = 32_768;
const text = Type.String({ minLength: 1, maxLength: MAX_TEXT });

const issueSchema = Type.Object(
  {
    /** PKCS #10: PEM, or the base64 of its DER. */
    request: text,
    profile: Type.Optional(Type.String({ maxLength: 40 })),
    days: Type.Optional(Type.Integer()),
    /** Last day ("2026-12-31", to its end here), or a moment ("2026-12-31T12:00:00Z"). */
    validTo: Type.Optional(
      Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}(T\\d{2}:\\d{2}(:\\d{2}(\\.\\d{1,3})?)?(Z|[+-]\\d{2}:\\d{2}))?$' }),
    ),
  },
  strict,
);
const reason = Type.Optional(Type.Enum([...REASON_NAMES]));
const revokeSchema = Type.Union([
  Type.Object({ certificate: text, reason }, strict),
  Type.Object({ serialNumber: Type.String({ maxLength: 64 }), reason }, strict),
]);

export function addPortalRoutes(app: FastifyInstance, authority: TestAuthority, now: () => Date): void {
  app.post('/issue', async (request) => {
    const order = readBody(issueSchema, bodyOf(request, 'application/json'));
    const profile = findProfile(order.profile ?? DEFAULT_PROFILE);
    const der = decodeBody(order.request, 'the request', { labels: REQUEST_LABELS });
    const certificates = await authority.issue(der, { profile, ...endOf(order, now()) });
    return { certificates: certificates.map((each) => encodePem(each, 'CERTIFICATE')) };
  });
  app.post('/revoke', async (request) => {
    const order = readBody(revokeSchema, bodyOf(request, 'application/json'));
    return await authority.revoke(whichOf(order), order.reason ?? 'unspecified');
  });
  app.get('/issued', () => ({
    certificates: authority.issued().map((one) => ({
      ...one,
      certificate: encodePem(Buffer.from(one.certificate, 'base64'), 'CERTIFICATE'),
    })),
  }));
}

function readBody<S extends TSchema>(schema: S, body: Buffer): Static<S> {
  try {
    return parseChecked(schema, body.toString('utf8'));
  } catch (error) {
    if (!(error instanceof SimulationFileError)) throw error;
    throw new AuthorityError('input_invalid', `reading the call: ${error.message}`, { cause: error });
  }
}

function whichOf(order: Static<typeof revokeSchema>): Which {
  if ('serialNumber' in order) return { serialNumber: order.serialNumber };
  return { certificate: decodeBody(order.certificate, 'the certificate', { labels: CERTIFICATE_LABELS }) };
}

/** A day ends by the clock of this machine, as for the office that wrote it down. */
function endOf({ days, validTo }: Static<typeof issueSchema>, now: Date): { readonly notAfter?: Date } {
  if (days !== undefined && validTo !== undefined)
    throw new AuthorityError('input_invalid', 'choosing the validity: days or validTo, not both');
  if (days !== undefined) return { notAfter: new Date(now.getTime() + requireDays(days) * DAY_MS) };
  if (validTo === undefined) return {};
  const notAfter = new Date(validTo.length === DATE_LENGTH ? `${validTo}T23:59:59` : validTo);
  if (Number.isNaN(notAfter.getTime())) throw new AuthorityError('input_invalid', 'choosing the validity: there is no such day');
  requireDays(Math.max(1, Math.ceil((notAfter.getTime() - now.getTime()) / DAY_MS)));
  return { notAfter };
}

const DATE_LENGTH = '2026-12-31'.length;
