/**
 * The systemd service with its socket, and the agent of each session. The sandbox is that of a local service: no capability, no device but readers of zones and pads,
 * no address but loopback. Each line says why where it is not plain.
 */
import { payloadPaths, product } from '../product.ts';
import { layout } from './layout.ts';

const { service, nodeFlags } = product;

/** Node with its flags and the program: what a unit and the wrapper start. */
export const programCommand = [
  `${layout.program}/${payloadPaths.runtime('linux')}`,
  ...nodeFlags,
  `${layout.program}/${payloadPaths.main}`,
] as const;

const SERVE = `serve --data-dir ${layout.state} --user-sockets ${layout.userSockets} --pkcs11-socket ${layout.pkcs11}/socket`;

export const serviceUnit = `[Unit]
Description=${service.title}
Documentation=man:kortd(1)
Wants=pcscd.socket modprobe@cdc_acm.service modprobe@usbserial.service
# The kernel's serial drivers first: a device class that is not there yet is not allowed to the service.
After=pcscd.socket modprobe@cdc_acm.service modprobe@usbserial.service
# However often it failed: it is started again once the cause is gone, without anybody.
StartLimitIntervalSec=0

[Service]
Type=notify
ExecStart=${programCommand.join(' ')} ${SERVE}
# Ready: from here on there is no way back to the version before an upgrade.
ExecStartPost=-/bin/rm -f ${layout.unproven}
ExecReload=/bin/sh -c "kill -HUP $MAINPID"
Restart=on-failure
RestartSec=${service.restartSeconds}
WatchdogSec=${service.watchdogSeconds}
TimeoutStopSec=${service.stopSeconds}
# Programs that use PKCS #11 are connected to a process that outlives a restart of the service, and ends by itself.
KillMode=process
User=${service.user}
Group=${service.group}
SupplementaryGroups=dialout
StateDirectory=kortd
StateDirectoryMode=0700
ReadWritePaths=-${layout.run}
UMask=0077
Environment=UV_THREADPOOL_SIZE=64 PCSCLITE_NO_BLOCKING=1

NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
ProtectProc=invisible
ProtectClock=yes
ProtectHostname=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
RemoveIPC=yes
KeyringMode=private
# PrivateDevices= would hide pads and scanners. MemoryDenyWriteExecute= would end Node.
DevicePolicy=closed
DeviceAllow=char-hidraw rw
DeviceAllow=char-ttyACM rw
DeviceAllow=char-ttyUSB rw
# Netlink tells whose a connection over loopback is, and which devices come and go.
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
# An authority, a time stamp server or a scanner's service on another machine: systemctl edit kortd, and IPAddressAllow= with its address.
IPAddressDeny=any
IPAddressAllow=localhost
SystemCallArchitectures=native
# V8 keeps its code apart by memory keys where the processor has them.
SystemCallFilter=@system-service @pkey
SystemCallFilter=~@privileged @resources @mount @swap @reboot @clock @cpu-emulation @obsolete @debug @module @raw-io
SystemCallErrorNumber=EPERM
LimitCORE=0
LimitNOFILE=16384
MemoryMax=${service.memoryMaxMiB}M
TasksMax=512

[Install]
WantedBy=multi-user.target
Also=${service.name}.socket
`;

export const socketUnit = `[Unit]
Description=Socket of native programs that use the cards of this desk
Documentation=man:kortd(1)

[Socket]
ListenStream=${layout.socket}
# Members of the group may use the desk as native programs do: adduser NAME ${service.group}
SocketUser=${service.user}
SocketGroup=${service.group}
SocketMode=0660
DirectoryMode=0755
Backlog=2048

[Install]
WantedBy=sockets.target
`;

export const agentUnit = `[Unit]
Description=Prompts for PINs and consent of the card service
Documentation=man:kortd(1)
PartOf=graphical-session.target
After=graphical-session.target
ConditionGroup=${service.group}
StartLimitIntervalSec=0

[Service]
ExecStart=${layout.command} agent --socket ${layout.socket}
Restart=on-failure
RestartSec=5
NoNewPrivileges=yes
UMask=0077
LimitCORE=0

[Install]
WantedBy=graphical-session.target
`;

/** For desktops that do not start their sessions by systemd. */
export const autostartEntry = `[Desktop Entry]
Type=Application
Name=Card prompts
Name[sv]=Kortfrågor
Comment=Asks for PINs and consent when a card is used
Comment[sv]=Frågar efter PIN-koder och samtycke när ett kort används
Exec=${layout.command} agent --socket ${layout.socket}
NoDisplay=true
X-GNOME-HiddenUnderSystemd=true
X-systemd-skip=true
`;

/** The account: a number of the system's (at most 999), no home to log in to, no shell. */
export const sysusers = `u ${service.user} - "Card service" ${layout.state} /usr/sbin/nologin
m ${service.user} dialout
`;

export const tmpfiles = `d ${layout.run} 0755 root root -
d ${layout.userSockets} 0755 root root -
d ${layout.pkcs11} 0750 ${service.user} ${service.group} -
# A socket for one user alone, beside that of the group: a line here for each, in a file of your own.
#d ${layout.userSockets}/anna 2710 ${service.user} anna -
`;

/** pcscd asks polkit who may come: a service has no seat, and is refused otherwise. ECMAScript 5, as Debian's polkitd runs it. */
export const polkitRule = `// The card service may use readers and cards, whoever sits at the desk.
polkit.addRule(function (action, subject) {
    if (subject.user === "${service.user}" &&
        (action.id === "org.debian.pcsc-lite.access_pcsc" ||
         action.id === "org.debian.pcsc-lite.access_card")) {
        return polkit.Result.YES;
    }
    return polkit.Result.NOT_HANDLED;
});
`;

export const commandScript = `#!/bin/sh
exec ${programCommand.join(' ')} "$@"
`;
