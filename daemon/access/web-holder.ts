/** Who can hold a grant: an exact origin, in the browser of one user of this workstation. Another user's browser on the same page holds another. */
export interface WebHolder {
  readonly origin: string;
  /** User id of the operating system. */
  readonly user: string;
}

/** Origins and user ids have no spaces. */
export function keyOf({ origin, user }: WebHolder): string {
  return `${user} ${origin}`;
}
