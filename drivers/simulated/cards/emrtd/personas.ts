/** The people whose passports come with the simulator: those of the simulated desk, and the specimen of ICAO Doc 9303-4. All of a state that does not exist. */
import { SimulationFileError } from '../../errors.ts';
import type { EmrtdDescription } from './description.ts';

const PERSONAS: Readonly<Record<string, EmrtdDescription>> = {
  /** A passport as they are made today: both ways in, chip authentication. */
  anna: {
    holder: {
      ...{ surname: 'Lindqvist', givenNames: 'Anna Maria', birthDate: '1985-02-14', sex: 'F' },
      ...{ personalNumber: '198502149801', birthPlace: 'Uppsala' },
    },
    ...{ format: 'TD3', documentNumber: 'XA1200011', issueDate: '2024-03-01', expiryDate: '2034-03-01' },
  },
  /** A card that opens by PACE alone, whose mapping proves the chip. */
  bjorn: {
    holder: {
      ...{ surname: 'Åkesson', givenNames: 'Björn', birthDate: '1979-11-03', sex: 'M' },
      ...{ personalNumber: '197911039818', birthPlace: 'Luleå' },
    },
    ...{ format: 'TD1', documentNumber: 'YB3400022', issueDate: '2023-09-12', expiryDate: '2028-09-12', can: '537204' },
    ...{ access: ['PACE'], pace: [{ mapping: 'chip authentication', suite: 'AES-256', parameters: 16 }] },
    ...{ chipAuthentication: { suite: 'AES-256', parameters: 16 }, signer: 'ECDSA brainpool', hash: 'SHA-384' },
  },
  /** An older passport: BAC alone, active authentication, short commands. */
  cecilia: {
    holder: {
      ...{ surname: 'Öberg', givenNames: 'Cecilia Elisabet', birthDate: '1991-06-27', sex: 'F' },
      ...{ personalNumber: '199106279822', birthPlace: 'Malmö' },
    },
    ...{ format: 'TD3', documentNumber: '85012345', issueDate: '2018-05-20', expiryDate: '2028-05-20', access: ['BAC'] },
    ...{ chipAuthentication: 'none', activeAuthentication: { key: 'RSA-1024', hash: 'SHA-1' }, signer: 'RSA' },
    extendedLength: false,
  },
  /** Integrated mapping, a portrait in JPEG 2000, active authentication by RSA. */
  david: {
    holder: {
      ...{ surname: 'Ek', givenNames: 'David', birthDate: '1981-12-18', sex: 'M' },
      ...{ personalNumber: '198112189876', birthPlace: 'Örebro' },
    },
    ...{ format: 'TD3', documentNumber: 'XA1200044', issueDate: '2022-01-10', expiryDate: '2032-01-10' },
    ...{
      pace: [{ mapping: 'integrated', suite: 'AES-128', parameters: 13 }],
      chipAuthentication: { suite: '3DES', parameters: 2 },
    },
    ...{ activeAuthentication: { key: 'RSA', hash: 'SHA-256' }, signer: 'RSA-PSS', portrait: 'JPEG 2000' },
  },
  /** 9303-4, appendix A to section 4: her passport expired in 2012. */
  specimen: {
    holder: { surname: 'Eriksson', givenNames: 'Anna Maria', birthDate: '1974-08-12', sex: 'F' },
    ...{ format: 'TD3', documentNumber: 'L898902C3', issueDate: '2007-04-16', expiryDate: '2012-04-15' },
  },
};

export const EMRTD_PERSONA_NAMES: readonly string[] = Object.keys(PERSONAS);

/** The description with what its persona stands for filled in. Throws SimulationFileError for a persona that there is not. */
export function describeEmrtdPersona({ persona = 'anna', ...own }: EmrtdDescription): EmrtdDescription {
  const described = Object.hasOwn(PERSONAS, persona) ? PERSONAS[persona] : undefined;
  if (!described) throw new SimulationFileError(`persona: there is no ${persona}`, { field: 'persona' });
  return { ...described, ...own };
}
