/**
 * One example of every call, event and error, for the documents. They were taken from the simulated desk `office`: its keys, PINs and
 * certificates are for tests. A test checks each against its schema.
 */
import type { EventData, EventName, Greeting } from '../events.ts';
import type { Identity } from '../identity.ts';
import type { MethodName, Params, Result } from '../methods/index.ts';
import type { Card, Certificate, Key, Pin, Reader, Role } from '../schemas.ts';
import { LIMITS } from '../wire.ts';
import { HIGHEST_API_VERSION, LOWEST_API_VERSION } from '../versions.ts';
import { EXAMPLE_AUDIT_EXPORT, EXAMPLE_AUDIT_FINGERPRINT, EXAMPLE_AUDIT_RECORD } from './example-audit.ts';
import {
  EXAMPLE_CMS,
  EXAMPLE_CMS_OF_TWO,
  EXAMPLE_CMS_OF_TWO_SIZE,
  EXAMPLE_CMS_SIZE,
  EXAMPLE_CONTENT,
  EXAMPLE_SIGNATURE_REPORT,
} from './example-signatures.ts';
import { EXAMPLE_AUTHENTICATION_TOKEN } from './example-token.ts';
import {
  EXAMPLE_PORTRAIT,
  EXAMPLE_PORTRAIT_PARAMS,
  EXAMPLE_SEEN_VERDICT,
  EXAMPLE_VERDICT,
  EXAMPLE_VERDICT_EVIDENCE,
  EXAMPLE_VERIFY_PARAMS,
} from './example-document.ts';
import { EXAMPLE_CEREMONY, EXAMPLE_CEREMONY_ID, EXAMPLE_ROUTINE } from './example-issuance.ts';
import { EXAMPLE_PROMPT } from './example-prompt.ts';
import { EXAMPLE_SCAN, EXAMPLE_SCANNER, EXAMPLE_SCAN_ID, EXAMPLE_SCAN_SUMMARY } from './example-scan.ts';
import { EXAMPLE_BATCH } from './example-batch.ts';
import { EXAMPLE_CAPTURE, EXAMPLE_PAD, EXAMPLE_PEN } from './example-pads.ts';
import { TRACE_EXAMPLES } from './example-trace.ts';
import { EXAMPLE_PASSPORT } from './example-passport.ts';
import { EXAMPLE_CERTIFICATE, EXAMPLE_CERTIFICATE_REQUEST } from './example-certificates.ts';

type MethodExamples = { readonly [N in MethodName]: { readonly params: Params<N>; readonly result: Result<N> } };
type EventExamples = { readonly [N in EventName]: EventData<N> };

const upload = '6b1c0a52-2f6b-4b0e-9d0e-3a5d4c1f7e90';
const stream = '1680f6c4-ca52-4ffc-aef0-e878e4d8065c';
const lease = '1a914820-5ae0-4fcf-b5ba-12023a4673ce';
const expiresAt = '2026-03-02T08:15:15.000Z';
export const EXAMPLE_TIME = '2026-03-02T08:15:00.000Z';
const inReader = { reader: 'reader-ef19a3f08061' } as const;

const reader: Reader = {
  id: inReader.reader,
  name: 'Simulated Operator 00 00',
  source: 'simulated',
  status: 'present',
  card: 'card-e3961520-5efb-4d9e-a0a0-a97c96c202c4',
  hasKeypad: false,
  role: 'operator',
  serialNumber: 'SIM0000000001',
  usbPath: '1-1.1',
};

const role: Role = {
  role: 'operator',
  source: 'assigned',
  selector: { serialNumber: 'SIM0000000001', name: 'Simulated Operator', slot: 0 },
  status: 'ready',
  reader: inReader.reader,
  restrictsCards: false,
  notSamePersonAs: [],
};

const card: Card = {
  id: 'card-e3961520-5efb-4d9e-a0a0-a97c96c202c4',
  reader: reader.id,
  role: 'operator',
  atr: '3BFD1300008131FE158073C021C057597562694B657940',
  insertedAt: '2026-03-02T08:14:31.924Z',
  status: 'ready',
  application: { id: 'piv', specification: 'NIST SP 800-73-5', serialNumber: '10000001' },
};

const pin: Pin = {
  reference: '80',
  kind: 'pin',
  label: 'PIV Card Application PIN',
  minLength: 6,
  maxLength: 8,
  attemptsRemaining: 3,
};

const key: Key = {
  keyReference: '9A',
  label: 'PIV Authentication Key',
  usage: 'authentication',
  pin: '80',
  pinPolicy: 'once',
  algorithm: 'P-256',
  publicKey:
    'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEiifipVjXVhMXCmSvpSOHmlQMLb4JEkfV5D8AB74o9IiZ3FFjcSXO1Ep5F5lvrYcbVUzF6OhuQ23UYdP09fBWnQ==',
  signatureAlgorithms: ['ES256'],
};

const certificate: Certificate = {
  keyReference: '9A',
  certificate: EXAMPLE_CERTIFICATE,
  parsed: {
    subject: 'CN=Anna Lindqvist,serialNumber=SE2321000016-BENCH1,GN=Anna,SN=Lindqvist,title=ID-administratör,O=BENCH Region,C=SE',
    issuer: 'CN=BENCH kortd Test CA v1,O=BENCH kortd,C=SE',
    serialNumber: '2C5A2DDA1526DD3783BEB2E4EEC095D3',
    notBefore: '2024-01-01T00:00:00.000Z',
    notAfter: '2049-12-31T23:59:59.000Z',
    fingerprint: '2D67F46974B54A43AB348C96D63716BF4195D5F24F51AA5DE0E55905FD4A95AA',
    purpose: 'authentication',
    validity: 'valid',
    policies: ['2.999.752.3'],
    assuranceLevel: 'LoA3',
    chain: {
      status: 'trusted',
      subjects: [
        'CN=Anna Lindqvist,serialNumber=SE2321000016-BENCH1,GN=Anna,SN=Lindqvist,title=ID-administratör,O=BENCH Region,C=SE',
        'CN=BENCH kortd Test CA v1,O=BENCH kortd,C=SE',
      ],
    },
  },
};

const identity: Identity = {
  name: 'Anna Lindqvist',
  givenName: 'Anna',
  surname: 'Lindqvist',
  hsaId: 'SE2321000016-BENCH1',
  organisation: 'BENCH Region',
  organisationNumber: '2321000016',
  assuranceLevel: 'LoA3',
  policies: ['2.999.752.3'],
  isTrusted: true,
  problems: [],
};

const simulatedDesk: Result<'simulation.list'> = {
  readers: [{ ...inReader, name: reader.name, role: 'operator', card: 'anna', isOccupied: true }],
  cards: [
    { card: 'anna', holder: 'Anna Lindqvist', reader: inReader.reader },
    { card: 'reserve', note: { en: 'Reserve card', sv: 'Reservkort' } },
  ],
};

const webOrigin = 'https://certificates.example';

/** In the order of METHODS. */
export const METHOD_EXAMPLES: MethodExamples = {
  'system.acknowledgeDatabase': {
    params: { file: 'roles.sqlite' },
    result: { movedTo: ['roles.sqlite.damaged-2026-03-02T08-14-31-923Z'], remaining: [] },
  },
  'system.health': {
    params: {},
    result: {
      status: 'ok',
      sources: [{ id: 'simulated', available: true, since: '2026-03-02T08:14:31.923Z', recoveries: 0 }],
      readers: 4,
      cards: 3,
      clients: 1,
      callsUnderWay: 1,
      uptimeMs: 28_077,
      residentBytes: 137_474_048,
      problems: [],
    },
  },
  'system.reload': {
    params: {},
    result: { problems: [{ file: '/etc/kortd/policy.d/20-test.json', problem: 'others than its owner can write it' }] },
  },
  'system.info': {
    params: {},
    result: {
      product: 'kortd',
      version: '0.1.0',
      apiVersion: { lowest: LOWEST_API_VERSION, highest: HIGHEST_API_VERSION },
      stream,
      simulated: true,
      platform: 'linux-x64',
      limits: {
        backlogBytes: LIMITS.backlogBytes.value,
        backlogBytesPerClient: LIMITS.backlogBytesPerClient.value,
        backlogBytesPerOrigin: LIMITS.backlogBytesPerOrigin.value,
        batchCalls: LIMITS.batchCalls.value,
        callsPerClient: LIMITS.callsPerClient.value,
        callsPerOrigin: LIMITS.callsPerOrigin.value,
        callsPerReader: LIMITS.callsPerReader.value,
        connections: LIMITS.connections.value,
        connectionsPerOrigin: LIMITS.connectionsPerOrigin.value,
        contentBytes: LIMITS.contentBytes.value,
        contentMs: LIMITS.contentMs.value,
        contents: LIMITS.contents.value,
        contentsPerOwner: LIMITS.contentsPerOwner.value,
        eventBacklogBytes: LIMITS.eventBacklogBytes.value,
        headerBytes: LIMITS.headerBytes.value,
        headerLines: LIMITS.headerLines.value,
        headersMs: LIMITS.headersMs.value,
        heartbeatMs: LIMITS.heartbeatMs.value,
        keepAliveMs: LIMITS.keepAliveMs.value,
        keptBytes: LIMITS.keptBytes.value,
        keptBytesPerOrigin: LIMITS.keptBytesPerOrigin.value,
        leaseLifeMs: LIMITS.leaseLifeMs.value,
        leaseMs: LIMITS.leaseMs.value,
        messageBurst: LIMITS.messageBurst.value,
        messageBytes: LIMITS.messageBytes.value,
        messageFragments: LIMITS.messageFragments.value,
        messagesPerSecond: LIMITS.messagesPerSecond.value,
        pipelinedRequests: LIMITS.pipelinedRequests.value,
        replayEvents: LIMITS.replayEvents.value,
        requestMs: LIMITS.requestMs.value,
        stalledMs: LIMITS.stalledMs.value,
        timeoutMs: LIMITS.timeoutMs.value,
        unknownConnections: LIMITS.unknownConnections.value,
        unreadBytes: LIMITS.unreadBytes.value,
        uploads: LIMITS.uploads.value,
        uploadsPerOwner: LIMITS.uploadsPerOwner.value,
        webConnections: LIMITS.webConnections.value,
        webSockets: LIMITS.webSockets.value,
      },
    },
  },
  'reader.assignRole': { params: { role: 'operator', ...inReader }, result: { role, reader } },
  'reader.list': { params: {}, result: { readers: [reader] } },
  'reader.listRoles': { params: {}, result: { roles: [role] } },
  'reader.removeRole': { params: { role: 'operator' }, result: {} },
  'card.lease': {
    params: { card: card.id, purpose: 'renewing a certificate', durationMs: 15_000 },
    result: { lease, card: card.id, fence: 1, expiresAt },
  },
  'card.list': { params: {}, result: { cards: [card] } },
  'card.read': {
    params: { card: inReader },
    result: { card, pins: [pin], keys: [key], certificates: [certificate], identity },
  },
  'card.release': { params: { lease }, result: {} },
  'card.transmit': {
    params: { card: inReader, commands: ['00A4040009A00000030800001000', '00CB3FFF055C035FC10200'] },
    result: {
      responses: [
        { data: '61114F0600001000010079074F05A000000308', statusWord: '9000' },
        {
          data: '533B3019D4E739DA739CED39CE739D836858210842108421C84210C3EB3410D689D709B12B41FD8D5BAEDF3ED4E7D1350832303939313233313E00FE00',
          statusWord: '9000',
        },
      ],
    },
  },
  'pin.change': {
    params: { card: inReader, pinReference: '80', pin: '123456', newPin: '482910' },
    result: { pin },
  },
  'pin.unblock': {
    params: { card: inReader, pinReference: '80', puk: '12345678', newPin: '482910' },
    result: { pin },
  },
  'pin.verify': { params: { card: inReader, pin: '123456' }, result: { pin } },
  'key.delete': { params: { card: inReader, keyReference: '9A', managementKey: 'default' }, result: {} },
  'key.generate': {
    params: { card: inReader, keyReference: '9A', algorithm: 'P-256', managementKey: 'default' },
    result: { key: { ...key, origin: 'generated' } },
  },
  'certificate.delete': {
    params: { card: inReader, keyReference: '45', fingerprint: certificate.parsed?.fingerprint ?? '', pin: '123456' },
    result: {},
  },
  'certificate.list': { params: { card: inReader }, result: { certificates: [certificate] } },
  'certificate.request': {
    params: { card: inReader, keyReference: '9A', subject: 'CN=Anna Andersson,O=Region Test,C=SE', pin: '123456' },
    result: { request: EXAMPLE_CERTIFICATE_REQUEST, algorithm: 'ES256' },
  },
  'certificate.write': {
    params: { card: inReader, keyReference: '9A', certificate: EXAMPLE_CERTIFICATE, managementKey: 'default' },
    result: { certificate },
  },
  'sign.addSigner': {
    params: { card: inReader, keyReference: '9C', cms: { upload }, content: { data: EXAMPLE_CONTENT } },
    result: {
      cms: EXAMPLE_CMS_OF_TWO,
      size: EXAMPLE_CMS_OF_TWO_SIZE,
      algorithm: 'ES256',
      keyReference: '9C',
      signerIndex: 1,
    },
  },
  'sign.cms': {
    params: { card: inReader, keyReference: '9C', content: { data: EXAMPLE_CONTENT }, detached: true },
    result: { cms: EXAMPLE_CMS, size: EXAMPLE_CMS_SIZE, algorithm: 'ES256', keyReference: '9C', signerIndex: 0 },
  },
  'sign.pdf': {
    params: {
      card: inReader,
      keyReference: '9C',
      pdf: { upload },
      visible: { page: 1, rectangle: { x: 60, y: 60, width: 220, height: 60 }, language: 'sv' },
      reason: 'Mottaget',
    },
    result: {
      content: upload,
      size: 11_342,
      field: 'Signature1',
      algorithm: 'ES256',
      keyReference: '9C',
    },
  },
  'signature.verify': {
    params: { cms: { upload }, content: { data: EXAMPLE_CONTENT } },
    result: EXAMPLE_SIGNATURE_REPORT,
  },
  'sign.batch': {
    params: { card: inReader, keyReference: '9C', algorithm: 'RS256', documents: EXAMPLE_BATCH.documents, pin: '123456' },
    result: EXAMPLE_BATCH.result,
  },
  'sign.digest': {
    params: {
      card: inReader,
      keyReference: '9A',
      algorithm: 'ES256',
      digest: 'LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=',
      pin: '123456',
    },
    result: {
      signature: 'S1M2km9HiSpL9pabBTBcQqERKmZYeOvmM4i018eQuNeGiKO31tmonK9vTNMQC3am1rOax6NIcxW1cfwwbM5xXQ==',
      algorithm: 'ES256',
      keyReference: '9A',
    },
  },
  'scanner.cancel': { params: { scanner: EXAMPLE_SCANNER.id }, result: { cancelled: true } },
  'scanner.get': { params: { scan: EXAMPLE_SCAN_ID }, result: { scan: EXAMPLE_SCAN } },
  'scanner.list': { params: {}, result: { scanners: [EXAMPLE_SCANNER], problems: [] } },
  'scanner.listScans': { params: {}, result: { scans: [EXAMPLE_SCAN_SUMMARY] } },
  'scanner.picture': {
    params: { scan: EXAMPLE_SCAN_ID, image: 'page-uv' },
    result: { mediaType: 'image/png', data: 'iVBORw0KGgo=' },
  },
  'scanner.review': {
    params: { scan: EXAMPLE_SCAN_ID },
    result: { scan: EXAMPLE_SCAN, asker: 'https://portal.example', verdicts: [] },
  },
  'scanner.scan': { params: { scanner: EXAMPLE_SCANNER.id, lights: ['white', 'uv'] }, result: { scan: EXAMPLE_SCAN } },
  'login.authenticate': {
    params: { card: inReader, challenge: 'k4PyJmWXpnLSmpKyqNAwgAYb6nUpTMaWc1ZK2gjHsIo=', origin: webOrigin, pin: '123456' },
    result: EXAMPLE_AUTHENTICATION_TOKEN,
  },
  'passport.read': EXAMPLE_PASSPORT,
  'document.addManualCheck': {
    params: { verdict: EXAMPLE_VERDICT.verdict, check: 'manual.uv', outcome: 'passed', role: 'operator' },
    result: EXAMPLE_SEEN_VERDICT,
  },
  'document.evidence': { params: { verdict: EXAMPLE_VERDICT.verdict }, result: EXAMPLE_VERDICT_EVIDENCE },
  'document.get': { params: { verdict: EXAMPLE_VERDICT.verdict }, result: EXAMPLE_SEEN_VERDICT },
  'document.verify': { params: EXAMPLE_VERIFY_PARAMS, result: EXAMPLE_VERDICT },
  'portrait.check': { params: { ...EXAMPLE_PORTRAIT_PARAMS, picture: { upload } }, result: EXAMPLE_PORTRAIT },
  'issuance.attach': {
    params: { ceremony: EXAMPLE_CEREMONY_ID, step: 'picture', picture: { upload } },
    result: EXAMPLE_CEREMONY,
  },
  'issuance.cancel': {
    params: { ceremony: EXAMPLE_CEREMONY_ID, reason: 'The holder did not come.' },
    result: EXAMPLE_CEREMONY,
  },
  'issuance.confirm': { params: { ceremony: EXAMPLE_CEREMONY_ID }, result: EXAMPLE_CEREMONY },
  'issuance.enrol': { params: { ceremony: EXAMPLE_CEREMONY_ID, step: 'download' }, result: EXAMPLE_CEREMONY },
  'issuance.evidence': {
    params: { ceremony: EXAMPLE_CEREMONY_ID },
    result: {
      content: 'content-5a7ffb8e-3a51-4a35-8b5b-1c6a3f5c5f11',
      size: 165_533,
      isEncrypted: true,
      keepUntil: '2036-03-02',
    },
  },
  'issuance.export': { params: { ceremony: EXAMPLE_CEREMONY_ID }, result: { data: 'MIIK', size: 18_214 } },
  'issuance.get': { params: { ceremony: EXAMPLE_CEREMONY_ID }, result: EXAMPLE_CEREMONY },
  'issuance.import': { params: { transfer: { data: 'MIIK' } }, result: EXAMPLE_CEREMONY },
  'issuance.list': {
    params: { state: 'open', search: 'öberg' },
    result: {
      ceremonies: [
        {
          ceremony: EXAMPLE_CEREMONY_ID,
          routine: 'reserve-card-loa3',
          state: 'open',
          startedAt: EXAMPLE_CEREMONY.startedAt,
          updatedAt: EXAMPLE_CEREMONY.updatedAt,
          isProtected: false,
        },
      ],
    },
  },
  'issuance.listAuthorities': { params: {}, result: { authorities: [{ name: 'office', protocol: 'cmp' }] } },
  'issuance.listRoutines': { params: {}, result: { routines: [EXAMPLE_ROUTINE] } },
  'issuance.readCard': {
    params: { ceremony: EXAMPLE_CEREMONY_ID, step: 'card', card: { role: 'holder' } },
    result: EXAMPLE_CEREMONY,
  },
  'issuance.record': {
    params: { ceremony: EXAMPLE_CEREMONY_ID, step: 'order', fields: { cardNumber: '9752000000000000102' } },
    result: EXAMPLE_CEREMONY,
  },
  'issuance.removeCertificates': {
    params: { ceremony: EXAMPLE_CEREMONY_ID, step: 'removed', fingerprints: [certificate.parsed?.fingerprint ?? ''] },
    result: EXAMPLE_CEREMONY,
  },
  'issuance.requestCertificates': {
    params: { ceremony: EXAMPLE_CEREMONY_ID, authority: 'office' },
    result: EXAMPLE_CEREMONY,
  },
  'issuance.resume': { params: { ceremony: EXAMPLE_CEREMONY_ID }, result: EXAMPLE_CEREMONY },
  'issuance.sign': {
    params: { ceremony: EXAMPLE_CEREMONY_ID, step: 'ordered', language: 'sv' },
    result: EXAMPLE_CEREMONY,
  },
  'issuance.start': { params: { routine: 'reserve-card-loa3' }, result: EXAMPLE_CEREMONY },
  'issuance.unblockPin': { params: { ceremony: EXAMPLE_CEREMONY_ID, step: 'unblocked' }, result: EXAMPLE_CEREMONY },
  'issuance.verifyPin': { params: { ceremony: EXAMPLE_CEREMONY_ID, step: 'pin' }, result: EXAMPLE_CEREMONY },
  'issuance.writeCertificates': {
    params: { ceremony: EXAMPLE_CEREMONY_ID, certificates: [EXAMPLE_CERTIFICATE] },
    result: EXAMPLE_CEREMONY,
  },
  'pad.cancel': { params: { pad: EXAMPLE_PAD.id }, result: { cancelled: true } },
  'pad.capture': {
    params: {
      content: { digest: { hash: 'sha256', value: 'LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=' } },
      text: 'Jag har i dag fått mitt kort och dess koder.',
    },
    result: EXAMPLE_CAPTURE,
  },
  'pad.list': { params: {}, result: { pads: [EXAMPLE_PAD] } },
  'pad.unwatch': { params: { pad: EXAMPLE_PAD.id }, result: {} },
  'pad.watch': {
    params: { pad: EXAMPLE_PAD.id },
    result: { pad: { ...EXAMPLE_PAD, status: 'capturing' }, capture: EXAMPLE_PEN.capture },
  },
  'prompt.list': { params: {}, result: { prompts: [EXAMPLE_PROMPT] } },
  'access.approve': { params: { code: 'K7M2QX' }, result: { origin: webOrigin, scopes: ['card.read', 'sign'] } },
  'access.deny': { params: { code: 'K7M2QX' }, result: { origin: webOrigin } },
  'access.list': {
    params: {},
    result: {
      grants: [
        {
          origin: webOrigin,
          scopes: ['card.read', 'sign'],
          source: 'consent',
          grantedAt: '2026-03-02T08:15:10.112Z',
          expiresAt: '2026-05-31T08:15:10.112Z',
        },
      ],
      requests: [],
    },
  },
  'access.request': {
    params: { scopes: ['card.read', 'sign'], reason: 'To sign the receipt with your card.' },
    result: { token: 'bVn3Yq0mCkz1kq4yQ0b8cC2vJ1m7o2cQbXb0n5yX0aE', expiresInMs: 600_000, scopes: ['card.read', 'sign'] },
  },
  'access.revoke': { params: { origin: webOrigin }, result: {} },
  ...TRACE_EXAMPLES,
  'console.open': {
    params: {},
    result: { url: 'http://127.0.0.1:27151/#Zm9yIHRoZSBkb2N1bWVudHMgYWxvbmUsIG5vdCBhIGNvZGU', expiresInMs: 60_000 },
  },
  'audit.export': {
    params: {},
    result: { text: EXAMPLE_AUDIT_EXPORT, fingerprint: EXAMPLE_AUDIT_FINGERPRINT },
  },
  'audit.list': {
    params: { since: 0, limit: 100, method: 'sign.digest' },
    result: { records: [EXAMPLE_AUDIT_RECORD], last: EXAMPLE_AUDIT_RECORD.sequence },
  },
  'audit.verify': {
    params: {},
    result: {
      ok: true,
      records: 1,
      checkpoints: 2,
      head: { sequence: EXAMPLE_AUDIT_RECORD.sequence, hash: EXAMPLE_AUDIT_RECORD.hash },
      fingerprint: EXAMPLE_AUDIT_FINGERPRINT,
    },
  },
  'simulation.insertCard': { params: { ...inReader, card: 'anna' }, result: simulatedDesk },
  'simulation.list': { params: {}, result: simulatedDesk },
  'simulation.removeCard': { params: inReader, result: simulatedDesk },
  'simulation.usePad': {
    params: { pad: 'SIMPAD0001', act: 'write' },
    result: { pads: [{ pad: 'SIMPAD0001', model: 'STU-540', isPlugged: true }] },
  },
  'call.cancel': { params: { id: 7 }, result: { cancelled: true } },
  'event.subscribe': {
    params: { events: ['card.inserted', 'card.removed'], since: 12, stream },
    result: { stream, sequence: 14 },
  },
  'event.unsubscribe': { params: {}, result: {} },
  'version.select': { params: { apiVersion: 1 }, result: { apiVersion: 1 } },
};

export const EVENT_EXAMPLES: EventExamples = {
  'access.changed': { origin: webOrigin },
  'access.requested': {
    code: 'K7M2QX',
    origin: webOrigin,
    scopes: ['card.read', 'sign'],
    reason: 'To sign the receipt with your card.',
  },
  'access.settled': { code: 'K7M2QX', origin: webOrigin, outcome: 'approved' },
  'audit.appended': { last: EXAMPLE_AUDIT_RECORD.sequence },
  'card.changed': { card },
  'card.inserted': {
    card: { id: card.id, reader: card.reader, atr: card.atr, insertedAt: card.insertedAt, status: 'identifying' },
  },
  'card.removed': { card: card.id, reader: reader.id },
  'document.judged': { verdict: EXAMPLE_VERDICT.verdict },
  'issuance.changed': {
    ceremony: EXAMPLE_CEREMONY_ID,
    routine: 'reserve-card-loa3',
    state: 'open',
    nextStep: 'receipt',
  },
  'pad.added': { pad: EXAMPLE_PAD },
  'pad.changed': { pad: { ...EXAMPLE_PAD, status: 'capturing' }, capture: EXAMPLE_PEN.capture },
  'pad.pen': EXAMPLE_PEN,
  'pad.removed': { pad: EXAMPLE_PAD.id },
  'passport.progress': {
    card: card.id,
    reader: reader.id,
    file: 'DG2',
    readBytes: 4_102,
    totalBytes: 7_403,
    fraction: 0.61,
  },
  'pin.prompted': { card: card.id, reader: reader.id, pinReference: '80', where: 'keypad' },
  'prompt.changed': { prompt: EXAMPLE_PROMPT },
  'prompt.ended': { prompt: EXAMPLE_PROMPT.prompt, outcome: 'answered' },
  'reader.added': { reader },
  'reader.changed': { reader },
  'reader.removed': { reader: reader.id },
  'reader.roleAwaited': { role: 'operator', state: 'waiting' },
  'scanner.added': { scanner: EXAMPLE_SCANNER },
  'scanner.changed': { scanner: { ...EXAMPLE_SCANNER, status: 'gone' } },
  'scanner.progress': { scanner: EXAMPLE_SCANNER.id, stage: 'capturing', light: 'uv' },
  'scanner.removed': { scanner: EXAMPLE_SCANNER.id },
  'sign.progress': { card: card.id, reader: reader.id, done: 41, total: 500 },
};

export const GREETING_EXAMPLE: Greeting = {
  product: 'kortd',
  version: '0.1.0',
  apiVersion: { lowest: LOWEST_API_VERSION, highest: HIGHEST_API_VERSION },
  stream,
  sequence: 14,
};
