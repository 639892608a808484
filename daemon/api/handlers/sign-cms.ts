import { SIGNATURE_SCHEMES } from '../../../apdu/signature-encoding.ts';
import type { KeyAlgorithm, SignatureAlgorithm } from '../../../apdu/token.ts';
import type { Params, Result } from '../../../api-spec/methods/index.ts';
import type { TimeStampPolicy } from '../../access/policy.ts';
import type { ContentHash } from '../../contents/contents.ts';
import type { CardSession } from '../../desk/card-session.ts';
import { ApiError } from '../../errors.ts';
import { parseCertificate } from '../../signing/certificate.ts';
import { preferredAlgorithm } from '../../signing/certificate-request.ts';
import { digestsOf } from '../../signing/cms/content-digests.ts';
import type { NewSignature, Sign } from '../../signing/cms/signed-data.ts';
import type { Call, Handlers, PublicParams } from '../call.ts';
import { contentOf, bytesOf, giveOut, invalidContent, requireRoom, type GivenContent } from './content.ts';
import { withCard, type HandlerContext } from './context.ts';
import { openCardSigner } from './signing-key.ts';

type SignerParams = Omit<PublicParams<'sign.cms'>, 'content' | 'detached'>;
/** A CMS, and which of its signers is the one that has just signed. */
interface Signed {
  readonly cms: Uint8Array;
  readonly signerIndex: number;
}
type Create = (wanted: NewSignature, sign: Sign) => Promise<Signed>;

export function signCmsHandlers(context: HandlerContext): Pick<Handlers, 'sign.addSigner' | 'sign.cms'> {
  return {
    'sign.addSigner': async (params, call) => {
      const cms = bytesOf(context, params.cms, call);
      const given = params.content && contentOf(context, params.content, call);
      const content = await verifiedContent(cms, given, call);
      const { addSigner } = await library();
      requireRoom(context, cms.length, call);
      return await signAs(context, params, call, content, (wanted, sign) => addSigner(cms, wanted, sign));
    },
    'sign.cms': async (params, call) => {
      const content = contentOf(context, params.content, call);
      const attached = params.detached ? undefined : requireBytes(content, params.content, call);
      requireRoom(context, attached?.length ?? 0, call);
      const { createSignedData } = await library();
      return await signAs(context, params, call, content, async (wanted, sign) => ({
        cms: await createSignedData({ ...wanted, ...(attached ? { content: attached } : {}) }, sign),
        signerIndex: 0,
      }));
    },
  };
}

/** Loaded before the card is asked: it takes 40 ms, and most sessions never sign. */
const library = () => import('../../signing/cms/signed-data.ts');

/** The card signs in one transaction; the time is stamped when it has ended. */
async function signAs(
  context: HandlerContext,
  params: SignerParams,
  call: Call,
  content: GivenContent,
  create: Create,
): Promise<Result<'sign.cms'>> {
  const given = (params.certificates ?? []).map((text) => new Uint8Array(parseCertificate(text).raw));
  const server = params.timeStamp === true ? timeStampServer(context) : undefined;
  const { signed, ...by } = await withCard(context, params, call, {}, (session) =>
    signOn(session, { context, params, call, content, create, given }),
  );
  const { cms, ...where } = server ? await stamp(signed, server, call.signal) : signed;
  const out = giveOut(context, cms, call);
  return { ...('inline' in out ? { cms: out.inline } : { content: out.waiting.id }), size: cms.length, ...by, ...where };
}

interface Task {
  readonly context: HandlerContext;
  readonly params: SignerParams;
  readonly call: Call;
  readonly content: GivenContent;
  readonly create: Create;
  /** Certificates that came with the call. */
  readonly given: readonly Uint8Array[];
}

async function signOn(
  session: CardSession,
  { context, params, call, content, create, given }: Task,
): Promise<{ readonly signed: Signed; readonly algorithm: SignatureAlgorithm; readonly keyReference: string }> {
  const signer = await openCardSigner(context, session, params, call, (kind) => chooseAlgorithm(params.algorithm, kind, content));
  const { key, algorithm, sign } = signer;
  const { certificate, chain } = await signer.certificates();
  const { hash } = SIGNATURE_SCHEMES[algorithm];
  const contentDigest = content.digestOf(hash);
  if (!contentDigest) throw invalidContent(call, `content.digest: ${algorithm} wants one by ${hash}`);
  const wanted: NewSignature = {
    contentDigest,
    hash,
    profile: 'cades',
    signer: { certificate, chain: [...chain, ...given], algorithm },
  };
  const signed = await create(wanted, sign).catch((error: unknown) => {
    // The certificate that was remembered may be an old one.
    if (error instanceof ApiError && error.code === 'public_key_mismatch') session.card.contents = undefined;
    throw error;
  });
  return { signed, algorithm, keyReference: key.keyReference };
}

/** What the caller names; else what goes with the digest that it gave; else what is usual for such a key. */
function chooseAlgorithm(
  named: SignatureAlgorithm | undefined,
  kind: KeyAlgorithm,
  { onlyHash }: GivenContent,
): SignatureAlgorithm {
  if (named) return named;
  const usual = preferredAlgorithm(kind);
  const byHash: Readonly<Record<ContentHash, SignatureAlgorithm>> = { sha256: 'RS256', sha384: 'RS384', sha512: 'RS512' };
  return onlyHash && usual === 'RS256' ? byHash[onlyHash] : usual;
}

function requireBytes({ bytes }: GivenContent, param: Params<'sign.cms'>['content'], call: Call): Uint8Array {
  if (bytes) return bytes;
  throw invalidContent(
    call,
    'upload' in param
      ? 'content.upload: its bytes were not kept (keep=true), so it cannot go into the signature'
      : 'content.digest is for a detached signature',
  );
}

/** Throws unless everybody who signed already did sign this: whoever signs after them relies on it. */
async function verifiedContent(cms: Uint8Array, given: GivenContent | undefined, call: Call): Promise<GivenContent> {
  const { readExisting, requireExisting } = await import('../../signing/cms/existing.ts');
  const { content, hashes } = readExisting(cms);
  if (content) {
    if (given) throw invalidContent(call, 'content is for a detached signature; this one holds its own');
    requireExisting(cms, () => undefined);
    return { bytes: content, digestOf: digestsOf(content) };
  }
  if (!given) throw invalidContent(call, 'content is missing: the signature is detached');
  const missing = hashes.find((hash) => !given.digestOf(hash));
  if (missing)
    throw invalidContent(call, `content.digest: an earlier signer has one by ${missing}; give the content, or upload it`);
  requireExisting(cms, given.digestOf);
  return given;
}

/** Throws time_stamp_unavailable. */
export function timeStampServer({ access }: HandlerContext): TimeStampPolicy {
  const { timeStamp } = access.policy;
  if (!timeStamp) throw new ApiError('time_stamp_unavailable', 'stamping the time: no server is configured');
  return timeStamp;
}

export async function stamp(
  { cms, signerIndex }: Signed,
  server: TimeStampPolicy,
  signal: AbortSignal,
): Promise<Signed & Pick<Result<'sign.cms'>, 'timeStamp'>> {
  // What reads time stamps takes 40 ms to load, and most signatures have none.
  const { addSignatureTimeStamp, signatureOf } = await library();
  const { fetchTimeStamp } = await import('../../signing/cms/time-stamp-client.ts');
  const { token, report } = await fetchTimeStamp(server, signatureOf(cms, signerIndex), signal);
  const { time, authority } = report;
  return {
    cms: addSignatureTimeStamp(cms, signerIndex, token),
    signerIndex,
    ...(time && authority !== undefined ? { timeStamp: { time: time.toISOString(), authority } } : {}),
  };
}
