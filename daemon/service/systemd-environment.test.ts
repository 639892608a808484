import { describe, expect, it } from 'vitest';
import { takeSystemdEnvironment } from './systemd-environment.ts';

const PID = 4711;

describe('what a service manager tells', () => {
  it('is read, and taken out of the environment', () => {
    const environment = {
      HOME: '/var/lib/kortd',
      NOTIFY_SOCKET: '@notify',
      WATCHDOG_USEC: '30000000',
      WATCHDOG_PID: '4711',
      LISTEN_PID: '4711',
      LISTEN_FDS: '2',
      LISTEN_FDNAMES: 'kortd.socket:kortd.socket',
    };
    expect(takeSystemdEnvironment(environment, PID)).toEqual({ notifySocket: '@notify', watchdogMs: 30_000, sockets: [3, 4] });
    expect(environment).toEqual({ HOME: '/var/lib/kortd' });
  });

  it('is nothing where no manager is', () => {
    expect(takeSystemdEnvironment({}, PID)).toEqual({ sockets: [] });
  });

  it.each([
    ['sockets of another process', { LISTEN_PID: '4712', LISTEN_FDS: '1' }],
    ['sockets without a process', { LISTEN_FDS: '1' }],
    ['a count that is none', { LISTEN_PID: '4711', LISTEN_FDS: '1e1x' }],
    ['a negative count', { LISTEN_PID: '4711', LISTEN_FDS: '-1' }],
    ['more than a unit has', { LISTEN_PID: '4711', LISTEN_FDS: '100000' }],
    ['a watchdog of another process', { WATCHDOG_USEC: '1000000', WATCHDOG_PID: '1' }],
    ['a watchdog without time', { WATCHDOG_USEC: '0', WATCHDOG_PID: '4711' }],
    ['an empty address', { NOTIFY_SOCKET: '' }],
  ])('does not count when it is %s', (_, environment) => {
    expect(takeSystemdEnvironment({ ...environment }, PID)).toEqual({ sockets: [] });
  });
});
