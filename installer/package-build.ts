/** What every kind of package is built from. */
export interface PackageBuild {
  /** The repository, with its npm packages installed and `dist/` built. */
  readonly root: string;
  /** Where packages go. */
  readonly out: string;
  /** For what is made on the way; emptied. */
  readonly work: string;
  /** Seconds since 1970, of the sources: the one time in a package. */
  readonly epoch: number;
}
