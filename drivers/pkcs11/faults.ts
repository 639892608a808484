/** What can go wrong with a module, before anybody knows what it was used for. */

/** The module does not keep to the standard: what it said cannot be used, and its process may be damaged. */
export class ModuleFaultError extends Error {
  override readonly name = 'ModuleFaultError';
}

/** A function of the module answered with an error. */
export class ReturnedError extends Error {
  override readonly name = 'ReturnedError';
  readonly call: string;
  readonly value: number;

  constructor(call: string, value: number) {
    super(`${call} answered ${value}`);
    this.call = call;
    this.value = value;
  }
}
