/** SELECT by DF name, and finding out which application a card carries. */
import type { CardChannel } from './card-channel.ts';
import type { CardApplication, CardProfile } from './card-profile.ts';
import { ApplicationNotFoundError } from './errors.ts';
import { MAX_SHORT_NE } from './iso7816/command-apdu.ts';
import { SW_SUCCESS } from './iso7816/status-word.ts';
import type { TokenContents } from './token.ts';

/** ISO/IEC 7816-4:2020, section 11.2.2, tables 62 and 63: P1 04 by DF name, P2 00 first or only occurrence, FCI returned. */
const INS_SELECT = 0xa4;
const P1_BY_DF_NAME = 0x04;

/** True when the card has the application; it is then selected. */
export async function selectApplication(channel: CardChannel, applicationId: Uint8Array): Promise<boolean> {
  const response = await channel.exchange({
    cla: 0x00,
    ins: INS_SELECT,
    p1: P1_BY_DF_NAME,
    p2: 0x00,
    data: applicationId,
    ne: MAX_SHORT_NE,
  });
  return response.statusWord === SW_SUCCESS || response.statusWord >> 8 === 0x62;
}

/** Selects `profile` on this card, throwing ApplicationNotFoundError when it is not there. */
export async function openApplication(
  channel: CardChannel,
  profile: CardProfile,
  remembered?: TokenContents,
): Promise<CardApplication> {
  const application = await selectProfile(channel, profile, remembered);
  if (application) return application;
  throw new ApplicationNotFoundError(`selecting ${profile.id}: the card has no such application`);
}

export interface FoundApplication {
  readonly profile: CardProfile;
  readonly application: CardApplication;
}

/** The first profile whose application the card has, selected and opened; undefined for a card of no known kind. */
export async function findApplication(
  channel: CardChannel,
  profiles: readonly CardProfile[],
): Promise<FoundApplication | undefined> {
  for (const profile of profiles) {
    const application = await selectProfile(channel, profile);
    if (application) return { profile, application };
  }
  return undefined;
}

async function selectProfile(
  channel: CardChannel,
  profile: CardProfile,
  remembered?: TokenContents,
): Promise<CardApplication | undefined> {
  if (profile.find) return await profile.find(channel, remembered);
  for (const applicationId of profile.applicationIds) {
    if (await selectApplication(channel, applicationId)) return profile.open(channel, remembered);
  }
  return undefined;
}
