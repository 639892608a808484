#!/bin/sh
# In place of systemctl in a Debian root where no systemd runs: starts and stops kortd.service as its own unit file says (ExecStart, User, Group, SupplementaryGroups,
# StateDirectory, Environment), leaves links in /etc to the real one, and takes every other request as done. What was asked for is in /run/systemd/asked.
unit=/lib/systemd/system/kortd.service
echo "$@" >>/run/systemd/asked

value() {
    sed -n "s/^$1=//p" "$unit" | head -n 1
}

# One that has ended stays a zombie here: nobody waits for the children of others.
is_running() {
    [ -n "$1" ] && grep -q '^State:[[:space:]]*[^ZX[:space:]]' "/proc/$1/status" 2>/dev/null
}

main_pid() {
    pid=$(cat /run/systemd/main.pid 2>/dev/null)
    is_running "$pid" && echo "$pid"
}

start() {
    main_pid >/dev/null && return 0
    user=$(value User)
    install -d -m "$(value StateDirectoryMode)" -o "$user" -g "$(value Group)" "/var/lib/$(value StateDirectory)"
    # shellcheck disable=SC2046
    setsid setpriv --reuid="$user" --regid="$(value Group)" --groups="$(value Group),$(value SupplementaryGroups)" \
        --no-new-privs --bounding-set=-all --inh-caps=-all \
        env -i PATH=/usr/bin:/bin $(value Environment) $(value ExecStart) >>/run/systemd/log 2>&1 </dev/null &
    echo $! >/run/systemd/main.pid
}

# KillMode=process: the daemon alone.
stop() {
    pid=$(main_pid) || return 0
    kill -TERM "$pid"
    for _ in $(seq 200); do
        is_running "$pid" || return 0
        sleep 0.1
    done
    kill -KILL "$pid"
}

verb=
units=
for word in "$@"; do
    case "$word" in
        -*) ;;
        *) if [ -z "$verb" ]; then verb=$word; else units="$units $word"; fi ;;
    esac
done

case "$verb" in
    is-active) main_pid >/dev/null ;;
    # What changes links in /etc alone, the real one does.
    is-enabled | preset | enable | disable | mask | unmask) SYSTEMD_OFFLINE=1 exec /usr/bin/systemctl.real "$@" ;;
    daemon-reload) ;;
    start | stop | restart)
        case " $units " in
            *" kortd.service "*)
                [ "$verb" = start ] || stop
                [ "$verb" = stop ] || start
                ;;
        esac
        ;;
esac
