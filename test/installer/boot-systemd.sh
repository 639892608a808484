#!/bin/sh
# boot-systemd.sh ROOT NAME: starts the systemd of a Debian root as process 1 of namespaces of its own, with control groups of its own (called NAME) below those that this
# process is in, so that its services are confined as on a real machine. The network is that of the caller. Ends with systemd. Hierarchies of control groups: cgroups(7).
set -e
root=$1
name=$2

# Where a hierarchy is mounted: by a word of its options, or the one of version 2.
mount_of() {
    while read -r _ _ _ _ place options rest; do
        case "$rest" in
            *" - cgroup2 "*) [ -n "$1" ] || { echo "$place"; return; } ;;
            *" - cgroup "*) [ -z "$1" ] || case ",${rest##* }," in *",$1,"*) echo "$place"; return ;; esac ;;
        esac
    done </proc/self/mountinfo
}

hierarchies=
while IFS=: read -r _ controllers path; do
    place=$(mount_of "$controllers")
    # Where memory and processors are given out by name, a new group has none and takes no process.
    [ -n "$place" ] && [ "$controllers" != cpuset ] || continue
    mkdir "$place${path%/}/$name"
    echo $$ >"$place${path%/}/$name/cgroup.procs"
    hierarchies="$hierarchies $controllers:"
done </proc/self/cgroup

export root hierarchies
exec unshare --mount --propagation private --pid --fork --kill-child --cgroup --uts --ipc sh -ec '
    mount --bind "$root" "$root"
    cd "$root"
    mount -t proc proc proc
    mount -t sysfs -o ro sysfs sys
    case "$hierarchies" in
        " :") mount -t cgroup2 cgroup2 sys/fs/cgroup ;;
        *)
            mount -t tmpfs -o mode=755 tmpfs sys/fs/cgroup
            for one in $hierarchies; do
                case "$one" in
                    :) mkdir sys/fs/cgroup/unified && mount -t cgroup2 cgroup2 sys/fs/cgroup/unified ;;
                    name=*) folder=${one#name=} && folder=${folder%:} && mkdir "sys/fs/cgroup/$folder" && mount -t cgroup -o "none,${one%:}" cgroup "sys/fs/cgroup/$folder" ;;
                    *) mkdir "sys/fs/cgroup/${one%:}" && mount -t cgroup -o "${one%:}" cgroup "sys/fs/cgroup/${one%:}" ;;
                esac
            done
            ;;
    esac
    mount -t tmpfs -o mode=755 tmpfs dev
    for device in null zero full random urandom tty; do
        touch "dev/$device"
        mount --bind "/dev/$device" "dev/$device"
    done
    mkdir dev/pts dev/shm
    chmod 1777 dev/shm
    mount -t devpts -o newinstance,ptmxmode=666 devpts dev/pts
    ln -s pts/ptmx dev/ptmx
    mount -t tmpfs -o mode=755 tmpfs run
    pivot_root . mnt
    cd /
    umount -l mnt
    exec env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --log-target=journal --show-status=no
'
