/** A file of a simulated desk, a scenario or a card's state, that cannot be used as it stands. */

export interface SimulationFileErrorFields {
  /** The file, as it was asked for. */
  readonly file?: string;
  /** Where in it, as a path from its root: "readers[1].name". */
  readonly field?: string;
  /** The message in Swedish, where there is one. */
  readonly sv?: string;
}

export class SimulationFileError extends Error {
  override readonly name = 'SimulationFileError';
  readonly file?: string;
  readonly field?: string;
  readonly sv?: string;

  constructor(message: string, fields: SimulationFileErrorFields = {}, options?: ErrorOptions) {
    super(message, options);
    if (fields.file !== undefined) this.file = fields.file;
    if (fields.field !== undefined) this.field = fields.field;
    if (fields.sv !== undefined) this.sv = fields.sv;
  }
}

/** Names the file in an error that knew only the field. */
export function withFile(error: unknown, attempt: string, file: string): unknown {
  if (!(error instanceof SimulationFileError)) return error;
  const { field, sv } = error;
  return new SimulationFileError(
    `${attempt}: ${error.message}`,
    { file, ...(field === undefined ? {} : { field }), ...(sv === undefined ? {} : { sv: `${file}: ${sv}` }) },
    { cause: error },
  );
}
