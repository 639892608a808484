import { describe, expect, it } from 'vitest';
import { DeviceProtocolError } from '../../errors.ts';
import { decodeMessage, encodeRequest } from './tokens.ts';

it('a request is that of the vendor’s client', () => {
  expect(JSON.parse(encodeRequest('OPEN_PAD', { PAD_INDEX: 0 }))).toEqual({
    TOKEN_TYPE: 'TOKEN_TYPE_REQUEST',
    TOKEN_CMD: 'TOKEN_CMD_OPEN_PAD',
    TOKEN_PARAM_PAD_INDEX: 0,
  });
});

describe('a message', () => {
  it('that answers has its return code and the fields that are what they should be', () => {
    const message = decodeMessage(
      '{"TOKEN_TYPE":"TOKEN_TYPE_RESPONSE","TOKEN_CMD_ORIGIN":"TOKEN_CMD_OPEN_PAD","TOKEN_PARAM_RETURN_CODE":"0","TOKEN_PARAM_PAD_X_RESOLUTION":"4040","TOKEN_PARAM_PAD_Y_RESOLUTION":"12.5"}',
    );
    if (message.kind !== 'response') throw new Error('it is no response');
    const { returnCode, fields } = message.response;
    expect([message.command, returnCode, fields.integer('PAD_X_RESOLUTION'), fields.integer('PAD_Y_RESOLUTION')]).toEqual([
      'OPEN_PAD',
      0,
      4040,
      undefined,
    ]);
    expect(fields.list('CONNECTED_PADS')).toEqual([]);
  });

  it.each([
    ['"-22"', -22],
    ['["0","-7","1"]', -7],
    ['["5","6"]', 5],
    ['17', 17],
  ])('with the return code %s has %i', (code, expected) => {
    const message = decodeMessage(
      `{"TOKEN_TYPE":"TOKEN_TYPE_RESPONSE","TOKEN_CMD_ORIGIN":"TOKEN_CMD_X","TOKEN_PARAM_RETURN_CODE":${code}}`,
    );
    expect(message).toMatchObject({ kind: 'response', response: { returnCode: expected } });
  });

  it.each([
    ['SIGNATURE_POINT","TOKEN_PARAM_POINT":{"x":"12","y":"34","p":"0"}', { kind: 'point', x: 12, y: 34, pressure: 0 }],
    ['SIGNATURE_CONFIRM"', { kind: 'button', button: 'accept' }],
    ['SIGNATURE_RETRY"', { kind: 'button', button: 'clear' }],
    ['SIGNATURE_CANCEL"', { kind: 'button', button: 'cancel' }],
    ['DISCONNECT","TOKEN_PARAM_PAD_INDEX":"1"', { kind: 'disconnect', padIndex: 1 }],
    [
      'ERROR","TOKEN_PARAM_RETURN_CODE":"-5","TOKEN_PARAM_ERROR_DESCRIPTION":"why"',
      { kind: 'error', returnCode: -5, description: 'why' },
    ],
  ])('that tells %s is an event', (rest, event) => {
    expect(decodeMessage(`{"TOKEN_TYPE":"TOKEN_TYPE_SEND","TOKEN_CMD":"TOKEN_CMD_${rest}}`)).toEqual({ kind: 'event', event });
  });

  it('of a newer service is let pass', () => {
    expect(decodeMessage('{"TOKEN_TYPE":"TOKEN_TYPE_SEND","TOKEN_CMD":"TOKEN_CMD_NFC_TAG"}')).toEqual({ kind: 'unknown' });
    expect(decodeMessage('{"TOKEN_TYPE":"TOKEN_TYPE_OTHER"}')).toEqual({ kind: 'unknown' });
  });

  it.each([
    'no json',
    '[]',
    'null',
    '{"TOKEN_TYPE":"TOKEN_TYPE_RESPONSE","TOKEN_CMD_ORIGIN":"TOKEN_CMD_X"}',
    '{"TOKEN_TYPE":"TOKEN_TYPE_RESPONSE","TOKEN_CMD_ORIGIN":"TOKEN_CMD_X","TOKEN_PARAM_RETURN_CODE":"zero"}',
    '{"TOKEN_TYPE":"TOKEN_TYPE_SEND","TOKEN_CMD":"TOKEN_CMD_SIGNATURE_POINT"}',
    '{"TOKEN_TYPE":"TOKEN_TYPE_SEND","TOKEN_CMD":"TOKEN_CMD_SIGNATURE_POINT","TOKEN_PARAM_POINT":{"x":"NaN","y":"1","p":"1"}}',
    '{"TOKEN_TYPE":"TOKEN_TYPE_SEND","TOKEN_CMD":"TOKEN_CMD_SIGNATURE_POINT","TOKEN_PARAM_POINT":{"x":"1","y":"1e9","p":"1"}}',
    '{"TOKEN_TYPE":"TOKEN_TYPE_SEND","TOKEN_CMD":"TOKEN_CMD_SIGNATURE_POINT","TOKEN_PARAM_POINT":{"x":"1","y":"1","p":"-1"}}',
  ])('that is none is a DeviceProtocolError: %s', (text) => {
    expect(() => decodeMessage(text)).toThrow(DeviceProtocolError);
  });
});
