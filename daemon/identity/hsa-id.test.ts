import { describe, expect, it } from 'vitest';
import { isOrganisationNumber, isSameHsaId, parseHsaId } from './hsa-id.ts';

describe('parseHsaId', () => {
  it.each([
    ['SE2321000016-AB12', '2321000016'],
    ['SE5565594230-1', '5565594230'],
    ['se2321000131-abcdefghijklmnopqr', '2321000131'],
  ])('takes %s and tells the organisation', (hsaId, organisationNumber) => {
    expect(parseHsaId(hsaId)).toEqual({ hsaId, organisationNumber });
  });

  it('tells no organisation where the digits are none', () => {
    for (const hsaId of ['SE2321000017-AB12', 'SE0000000000-X', 'SE6408233234-X'])
      expect(parseHsaId(hsaId)).toEqual({ hsaId, organisationNumber: undefined });
  });

  it.each([
    'SE2321000016-',
    'SE2321000016',
    'SE232100016-AB12',
    'SE000000000000-0000',
    'SE2321000016-åäö',
    'SE2321000016-A@B',
    'SE2321000016-A B',
    'SE2321000016-A\n',
    `SE2321000016-${'A'.repeat(19)}`,
    'NO2321000016-AB12',
    ' SE2321000016-AB12',
    '',
  ])('does not take %j', (text) => {
    expect(parseHsaId(text)).toBeUndefined();
  });
});

describe('isOrganisationNumber', () => {
  it('tells organisations from people', () => {
    expect(['2321000016', '5565594230', '2321000131'].every(isOrganisationNumber)).toBe(true);
    expect(['8112189876', '6408233234', '232100-0016', '23210000160'].some(isOrganisationNumber)).toBe(false);
  });
});

it('compares HSA-ids without regard to case', () => {
  expect(isSameHsaId('SE2321000016-ab12', 'SE2321000016-AB12')).toBe(true);
  expect(isSameHsaId('SE2321000016-ab12', 'SE2321000016-AB13')).toBe(false);
});
