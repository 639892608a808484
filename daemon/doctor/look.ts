/**
 * The machine as checks see it. Everything that they know comes through here, so that a fault can be planted in any part of it; nothing here changes anything.
 * What cannot be read is told, never thrown: an ordinary user sees less than root, and a check says so.
 */
import type { EventNotice } from '../../api-spec/client/client.ts';
import type { Params, Result } from '../../api-spec/methods/index.ts';
import type { ConfigurationSource } from '../configuration/configuration.ts';
import type { Endpoint } from '../data-folder.ts';
import type { Seen, SystemFiles } from '../service/files.ts';
import type { PcscService } from './pcsc-service.ts';

export type { Seen } from '../service/files.ts';

export interface FileStatus {
  readonly kind: 'file' | 'folder' | 'socket' | 'device' | 'other';
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface DiskSpace {
  readonly freeBytes: number;
  /** Undefined on file systems that have no fixed number. */
  readonly freeInodes: number | undefined;
}

/** What a running daemon is asked: nothing that changes anything. Each rejects when it answers nothing in time, and with what it answers else. */
export interface DaemonQuestions {
  info(): Promise<Result<'system.info'>>;
  health(): Promise<Result<'system.health'>>;
  readers(): Promise<Result<'reader.list'>>;
  cards(): Promise<Result<'card.list'>>;
  pads(): Promise<Result<'pad.list'>>;
  scanners(): Promise<Result<'scanner.list'>>;
  records(params: Params<'audit.list'>): Promise<Result<'audit.list'>>;
  /** The last ones, oldest first. */
  events(): Promise<readonly EventNotice[]>;
}

/** `died`: it left its files behind. `mute`: it is there and does not answer. `forbidden`: its data folder is somebody else's. */
export type DaemonView =
  | { readonly state: 'none' | 'forbidden' }
  | { readonly state: 'died'; readonly pid: number }
  | { readonly state: 'mute'; readonly pid: number; readonly why: string }
  | {
      readonly state: 'running';
      readonly endpoint: Endpoint;
      readonly info: Result<'system.info'>;
      readonly ask: DaemonQuestions;
    };

export interface ProcessView {
  readonly pid: number;
  /** As its file is called where that can be told. */
  readonly name: string;
}

export interface Look extends SystemFiles {
  readonly platform: NodeJS.Platform;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Undefined on Windows. */
  readonly uid: number | undefined;
  readonly home: string;
  readonly dataFolder: string;
  /** It is that of the installed service. */
  readonly isService: boolean;
  readonly configuration: ConfigurationSource;
  /** Where programs reach the daemon through PKCS #11 when it does not say. */
  readonly programsSocket: string;
  readonly policyFolder: string;
  /** That the daemon is to listen on; its page and https take the next two. */
  readonly port: number;
  readonly now: () => Date;
  /** Of this program's own file: no clock can be before it. */
  readonly builtAt: () => Promise<Date | undefined>;
  /** Fires when the check's time is over. */
  readonly signal: AbortSignal;
  /** Where a path of the system is to be found: below another folder, when an image is looked at. */
  path(path: string): string;
  /** Follows links. */
  status(path: string): Promise<Seen<FileStatus>>;
  /** Where a link leads; of processes, which file they run. */
  readLink(path: string): Promise<Seen<string>>;
  /** SHA-256, hexadecimal. */
  hash(path: string): Promise<Seen<string>>;
  space(path: string): Promise<Seen<DiskSpace>>;
  /** A program of the system, by its name. Absent: it is not installed. */
  run(program: string, parameters: readonly string[]): Promise<Seen<Ran>>;
  isInstalled(program: string): Promise<boolean>;
  /** Asked once for all checks. */
  daemon(): Promise<DaemonView>;
  pcsc(): Promise<PcscService>;
  processes(): Promise<Seen<readonly ProcessView[]>>;
}
