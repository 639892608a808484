/**
 * Electronic passports and identity cards (ICAO Doc 9303, parts 10 and 11): found by their application, or by EF.CardAccess where that shows only after PACE. Nothing is
 * read until somebody opens the document with what is printed on it; it has no serial number before, and no keys that a program could use.
 */
import type { CardChannel } from '../card-channel.ts';
import type { CardApplication, CardProfile } from '../card-profile.ts';
import { APPLICATION_ID, isTravelDocument } from '../icao9303/find-document.ts';

export const emrtdProfile: CardProfile = {
  id: 'emrtd',
  specification: 'ICAO Doc 9303, 8th edition, parts 10 and 11',
  applicationIds: [APPLICATION_ID],
  find: async (channel) => ((await isTravelDocument(channel)) ? applicationOf(channel) : undefined),
  open: applicationOf,
};

function applicationOf(channel: CardChannel): CardApplication {
  return {
    serialNumber: () => Promise.resolve(undefined),
    openDocument: async (options) => {
      // The arithmetic of curves is loaded with the first document.
      const { openTravelDocument } = await import('../icao9303/travel-document.ts');
      return await openTravelDocument(channel, options);
    },
  };
}
