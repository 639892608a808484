/**
 * The product as every package describes it: names, texts, the service and its account, ports and folders. Each kind of package (Debian, RPM, Windows, macOS) is
 * written from this and from the payload; nothing is said twice.
 */
import { DEFAULT_PORT } from '../api-spec/wire.ts';
import { NODE_FLAGS } from '../daemon/hardening/node-flags.ts';
import { PRODUCT, VERSION } from '../daemon/version.ts';

export type Platform = 'darwin' | 'linux' | 'win32';
export type Arch = 'arm64' | 'x64';

export interface Target {
  readonly platform: Platform;
  readonly arch: Arch;
}

export const product = {
  name: PRODUCT,
  version: VERSION,
  /** One line without the name and without a full stop, as dpkg and rpm want it. */
  summary: 'card readers, cards, pads and scanners of a desk over one local API',
  /** Paragraphs of plain text. */
  description: [
    'One local service owns every smart-card reader, card, signature pad and ID-document scanner of a workstation, and offers them to web applications and native programs over loopback and PKCS #11.',
    'The Node runtime is inside; nothing is fetched at installation or later.',
  ],
  vendor: 'kortd',
  maintainer: 'The kortd authors <maintainers@kortd.example>',
  license: 'proprietary',
  /** Flags of Node before the program, as `npm start` and the first line of daemon/main.ts have them. */
  nodeFlags: NODE_FLAGS,
  ports: { api: DEFAULT_PORT, console: DEFAULT_PORT + 1, tls: DEFAULT_PORT + 2 },
  service: {
    /** Of the systemd unit, the launchd job and the Windows service. */
    name: PRODUCT,
    title: 'Cards, readers, pads and scanners of this desk',
    user: 'kortd',
    group: 'kortd',
    /** Between a failure and the next start, without end: a crash is short, and what fails at every start neither keeps the computer busy nor fills its journal. */
    restartSeconds: 2,
    /** Restarted when it says nothing for so long. */
    watchdogSeconds: 30,
    /** After that it is killed. */
    stopSeconds: 20,
    memoryMaxMiB: 512,
  },
} as const;

/** Paths inside the payload, with / on every platform. */
export const payloadPaths = {
  main: 'dist/main.js',
  /** Of Node; its name on Windows differs. */
  runtime: (platform: Platform): string => (platform === 'win32' ? 'bin/node.exe' : 'bin/node'),
  /** Licences of everything inside. */
  licences: 'THIRD-PARTY.txt',
} as const;
