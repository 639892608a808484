/** What every kind of package for Linux is built from. */
import type { SystemTreeOptions } from './system-files.ts';

export interface LinuxBuild extends SystemTreeOptions {
  /** Where packages go. */
  readonly out: string;
  /** For what is made on the way; emptied. */
  readonly work: string;
  /** 1 to 9, of xz. */
  readonly compression: number;
}
