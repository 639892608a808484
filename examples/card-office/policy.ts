/** What an administrator writes so that the portal may work with kortd without asking anybody, and nothing else. */
const SCOPES = ['card.read', 'issuance'] as const;

/** `simulation` is for a simulated desk alone, and http for a portal on the same computer: a real one is https, and stands under `origins` only. */
export function policyFor(origin: string): object {
  return {
    comment: 'The card-order portal of the example',
    origins: [{ origin, scopes: [...SCOPES, 'simulation'], pin: { wrongPerDay: 5 } }],
    developmentOrigins: [origin],
  };
}
