/** What the console's port serves to load: the files of `page/` and the bundle of `desk-page/`, read once, and the headers that keep a page to itself. */
import { existsSync, readFileSync } from 'node:fs';
import { ERRORS, type ErrorDefinition } from '../../api-spec/errors.ts';
import { METHOD_NAMES, METHODS } from '../../api-spec/methods/index.ts';
import { SCOPES } from '../../api-spec/scopes.ts';
import { isAct } from '../audit/acts.ts';

export interface Asset {
  readonly type: string;
  readonly body: Buffer;
}

const FOLDER = new URL('./page/', import.meta.url);
/** Beside the daemon's bundle; for a daemon that runs from its sources, where the build puts it. */
const DESK_FOLDER = new URL('./desk-page/', import.meta.url);
const BUILT_DESK_FOLDER = new URL('../../dist/desk-page/', import.meta.url);
const DESK_SCRIPT = 'desk.js';
const OPEN_PLACE = /\{\w+\}/;
/** In brackets, and behind a colon at the end. */
const ASIDE = / \([^()]*\{\w+\}[^()]*\)/g;
const DETAIL = /: \{\w+\}$/;
const SCRIPT = 'text/javascript; charset=utf-8';
const STYLE = 'text/css; charset=utf-8';
const ICON = 'image/svg+xml';

/** Sorted by name. */
const FILES: Readonly<Record<string, string>> = {
  'arming.js': SCRIPT,
  'attention.js': SCRIPT,
  'connection.js': SCRIPT,
  'dom.js': SCRIPT,
  'entries.js': SCRIPT,
  'icon-waiting.svg': ICON,
  'icon.svg': ICON,
  'index.html': 'text/html; charset=utf-8',
  'page.css': STYLE,
  'page.js': SCRIPT,
  'palette.css': STYLE,
  'prompt-steps.js': SCRIPT,
  'prompt-view.js': SCRIPT,
  'sanitise.js': SCRIPT,
  'texts.js': SCRIPT,
};

/** Sorted by name. */
const DESK_FILES: Readonly<Record<string, string>> = {
  'desk.css': STYLE,
  [DESK_SCRIPT]: SCRIPT,
  'icon.svg': ICON,
  'index.html': 'text/html; charset=utf-8',
  'palette.css': STYLE,
};

/** Of the page that shows the desk, by path; "/" is the page. Throws the system's error when it was not built. */
export function readDeskAssets(): ReadonlyMap<string, Asset> {
  const folder = existsSync(new URL(DESK_SCRIPT, DESK_FOLDER)) ? DESK_FOLDER : BUILT_DESK_FOLDER;
  const files = Object.entries(DESK_FILES).map(([name, type]) => [pathOf(name), readAsset(name, type, { folder })] as const);
  return new Map([
    ...files,
    ['/words.json', { type: 'application/json; charset=utf-8', body: Buffer.from(JSON.stringify(readWords())) }],
  ]);
}

export interface DeskWords {
  readonly methods: Readonly<Record<string, In>>;
  /** That leave a record. */
  readonly acts: readonly string[];
  /** By error code. */
  readonly outcomes: Readonly<Record<string, In>>;
}

interface In {
  readonly en: string;
  readonly sv: string;
}

/**
 * What methods are called and errors mean, in the words of the API's own tables. Where only an error's details would fill a place, that
 * clause is left out; nothing is left of an error whose words are all details.
 */
export function readWords(): DeskWords {
  const methods = Object.entries(METHODS).map(([name, { attempt }]) => [name, attempt] as const);
  const outcomes = Object.entries<ErrorDefinition>(ERRORS).map(
    ([code, { en, sv }]) => [code, { en: withoutPlaces(en.happened), sv: withoutPlaces(sv.happened) }] as const,
  );
  return { methods: Object.fromEntries(methods), acts: METHOD_NAMES.filter(isAct), outcomes: Object.fromEntries(outcomes) };
}

function withoutPlaces(text: string): string {
  const [first = '', ...others] = text.replace(/\.$/, '').split('; ');
  const known = others.filter((clause) => !OPEN_PLACE.test(clause));
  const all = [first, ...known].join('; ').replaceAll(ASIDE, '').replace(DETAIL, '');
  return /^\{\w+\}$/.test(all) ? '' : `${all.replaceAll(new RegExp(OPEN_PLACE, 'g'), '…')}.`;
}

/** Of the page with the prompts, by path; "/" is the page. */
export function readPromptAssets(): ReadonlyMap<string, Asset> {
  const assets = new Map<string, Asset>([['/scopes.js', { type: SCRIPT, body: scopesModule() }]]);
  for (const [name, type] of Object.entries(FILES)) assets.set(pathOf(name), readAsset(name, type, { folder: FOLDER }));
  return assets;
}

const pathOf = (name: string): string => (name === 'index.html' ? '/' : `/${name}`);

function readAsset(name: string, type: string, { folder }: { readonly folder: URL }): Asset {
  return { type, body: readFileSync(new URL(name, folder)) };
}

/** What each right means, in the words of the API's own table. */
function scopesModule(): Buffer {
  const summaries = Object.entries(SCOPES).map(([scope, { summary, sv }]) => [scope, { en: summary, sv }]);
  return Buffer.from(`export const SCOPES = ${JSON.stringify(Object.fromEntries(summaries))};\n`);
}

/**
 * Browser features that the page has no use for: all that Chromium 156 knows, but for hints to servers, reaching this computer, and speaking to a
 * screen reader. Sorted by name.
 */
const FEATURES = [
  'accelerometer',
  'autoplay',
  'browsing-topics',
  'camera',
  'captured-surface-control',
  'clipboard-read',
  'clipboard-write',
  'compute-pressure',
  'cross-origin-isolated',
  'deferred-fetch',
  'deferred-fetch-minimal',
  'digital-credentials-create',
  'digital-credentials-get',
  'display-capture',
  'encrypted-media',
  'fullscreen',
  'gamepad',
  'geolocation',
  'gyroscope',
  'hid',
  'identity-credentials-get',
  'idle-detection',
  'interest-cohort',
  'keyboard-map',
  'language-detector',
  'language-model',
  'local-fonts',
  'magnetometer',
  'media-playback-while-not-visible',
  'microphone',
  'midi',
  'on-device-speech-recognition',
  'otp-credentials',
  'payment',
  'picture-in-picture',
  'private-state-token-issuance',
  'private-state-token-redemption',
  'publickey-credentials-create',
  'publickey-credentials-get',
  'screen-wake-lock',
  'serial',
  'speaker-selection',
  'storage-access',
  'summarizer',
  'sync-xhr',
  'translator',
  'unload',
  'usb',
  'window-management',
  'xr-spatial-tracking',
] as const;

/** `host`: ours, as the browser asked for it. It stands in the policy because not every browser takes 'self' for a WebSocket's address. */
export function securityHeaders(host: string): Readonly<Record<string, string>> {
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    `connect-src 'self' ws://${host}`,
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ];
  return {
    'content-security-policy': policy.join('; '),
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': FEATURES.map((feature) => `${feature}=()`).join(', '),
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'cache-control': 'no-store',
  };
}
