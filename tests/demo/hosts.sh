# The hosts of the demo on one bridge: two servers and five clients, each in a network namespace. Read by
# tests/demo/run.

CLIENTS="client1 client2 client3 client4"
VISITOR=client5
# Seconds: so short that renewals can be watched.
LEASE=20
ledger=$DEMO_FOLDER/ledger

# on HOST COMMAND...
on() {
    host=$1
    shift
    nsenter --net="/run/netns/$host" "$@"
}

# plug HOST MAC: a namespace with eth0, whose other end is a port of the bridge.
plug() {
    ip netns add "$1" || exit 1
    on wire ip link add "$1" type veth peer name eth0 netns "$1" || exit 1
    on wire ip link set "$1" master br0 up
    on "$1" ip link set lo up
    on "$1" ip link set eth0 address "$2" up
}

network() {
    mount -t tmpfs tmpfs /run && mkdir -p /run/netns || exit 1
    ip netns add wire || exit 1
    on wire ip link add br0 type bridge forward_delay 0 || exit 1
    on wire ip link set br0 up
    plug primary 02:00:00:00:00:f4 && on primary ip addr add 10.1.0.4/24 dev eth0
    plug failover 02:00:00:00:00:f5 && on failover ip addr add 10.1.0.5/24 dev eth0
    for client in $CLIENTS $VISITOR; do
        plug "$client" "02:00:00:00:00:0${client#client}"
        client_script "$client"
    done
    : >"$ledger"
    echo 'timeout 20; retry 1; initial-interval 1; backoff-cutoff 1;' \
        'supersede dhcp-renewal-time 8; supersede dhcp-rebinding-time 9;' >"$DEMO_FOLDER/dhclient.conf"
}

# ---- servers -----------------------------------------------------------------------------------------------------

# serve HOST CONFIG
serve() {
    tell "$1\$ understudyd -c $2.ini"
    # Not by on: $! is to be the server itself, not a shell around it.
    nsenter --net="/run/netns/$1" understudyd -f -c "$DEMO_FOLDER/$2.ini" >>"$DEMO_FOLDER/$1.log" 2>&1 &
    echo $! >"$DEMO_FOLDER/$1.pid"
}

# kill_9 HOST
kill_9() {
    pid=$(cat "$DEMO_FOLDER/$1.pid")
    tell "$1\$ kill -9 \$(pidof understudyd)"
    kill -9 "$pid"
    wait "$pid" 2>/dev/null
}

# stop HOST: as asked; its exit status goes to $code.
stop() {
    pid=$(cat "$DEMO_FOLDER/$1.pid")
    tell "$1\$ kill \$(pidof understudyd)"
    kill "$pid"
    wait "$pid"
    code=$?
}

# control HOST WORDS...: understudyctl there.
control() {
    host=$1
    shift
    understudyctl -s "$DEMO_FOLDER/$host.sock" "$@" 2>&1
}

# ask HOST WORDS...: shows command and answer.
ask() {
    tell "" "$1\$ understudyctl $(shift && echo "$*")"
    control "$@" | quote
}

# partners_of HOST: the head of its status, with its partners.
partners_of() {
    tell "" "$1\$ understudyctl status"
    control "$1" status | grep -E '^(understudyd|database|partner)' | quote
}

answers() { control "$1" status; }
# says HOST PATTERN: whether its log has a line like that.
says() { grep -qE -e "$2" "$DEMO_FOLDER/$1.log"; }
# count HOST PATTERN
count() { grep -cE -e "$2" "$DEMO_FOLDER/$1.log"; }
# more HOST PATTERN NUMBER: whether there are more such lines than that.
more() { [ "$(count "$1" "$2")" -gt "$3" ]; }

# ---- clients -----------------------------------------------------------------------------------------------------

# Each client calls a script with what it was given. It sets the address, and writes the clients' own list:
# time in ms, client, event, address, server, seconds of the lease.
client_script() {
    cat >"$DEMO_FOLDER/$1.script" <<END
#!/bin/sh
event=\${1:-\${reason:-}}
address=\${ip:-\${new_ip_address:-}} server=\${serverid:-\${new_dhcp_server_identifier:-}}
lease=\${lease:-\${new_dhcp_lease_time:-0}}
case \$event in
bound | renew | BOUND | RENEW | REBIND | REBOOT)
    ip addr replace "\$address/24" dev eth0
    event=holds ;;
deconfig | EXPIRE | FAIL | STOP | RELEASE)
    ip addr flush dev eth0
    address=- server=- lease=0 event=nothing ;;
*) exit 0 ;;
esac
echo "\$(date +%s%3N) $1 \$event \$address \$server \$lease" >>"$ledger"
END
    chmod 0755 "$DEMO_FOLDER/$1.script"
    : >"$DEMO_FOLDER/$1.leases"
}

# dhcp HOST: starts its client.
dhcp() {
    case $DEMO_CLIENT in
    *udhcpc) set -- "$1" udhcpc -f -i eth0 -t 20 -T 1 -A 1 -x "hostname:$1" -s "$DEMO_FOLDER/$1.script" ;;
    *)
        set -- "$1" "$DEMO_CLIENT" -4 -v -d -cf "$DEMO_FOLDER/dhclient.conf" -lf "$DEMO_FOLDER/$1.leases" \
            -pf "$DEMO_FOLDER/$1.dhclient.pid" -sf "$DEMO_FOLDER/$1.script" eth0
        ;;
    esac
    host=$1
    shift
    nsenter --net="/run/netns/$host" "$@" >>"$DEMO_FOLDER/$host.log" 2>&1 &
    echo $! >"$DEMO_FOLDER/$host.pid"
}

# join HOSTS...: starts their clients.
join() {
    for client in "$@"; do
        tell "$client\$ $(basename "$DEMO_CLIENT") -i eth0"
        dhcp "$client"
    done
}

# renew HOSTS...: udhcpc renews when it is told to; dhclient asks for its address when it is started again.
renew() {
    for client in "$@"; do
        pid=$(cat "$DEMO_FOLDER/$client.pid")
        case $DEMO_CLIENT in
        *udhcpc) kill -USR1 "$pid" ;;
        *) kill -9 "$pid" && wait "$pid" 2>/dev/null || dhcp "$client" ;;
        esac
    done
    tell "" "Told to renew: $*"
}

# quit HOSTS...: the clients end without a word to anybody.
quit() {
    for client in "$@"; do
        pid=$(cat "$DEMO_FOLDER/$client.pid")
        kill -9 "$pid"
        wait "$pid" 2>/dev/null
        on "$client" ip addr flush dev eth0
    done
}

# hold SINCE SERVER HOSTS...: whether each of them got its lease from that server since then.
hold() {
    since=$1 from=$2
    shift 2
    for client in "$@"; do
        [ -n "$(first "$since" "$from" "$client")" ] || return 1
    done
}

# first SINCE SERVER [HOST]: when the first lease came from that server since then, in ms.
first() {
    awk -v since="$1" -v server="$2" -v client="${3:-}" '
        $1 >= since && $3 == "holds" && $5 == server && (client == "" || $2 == client) { print $1; exit }' "$ledger"
}

# What each client holds now, in its own words.
list() {
    tell "" "The clients' own list (client, address, server):"
    awk '{ line[$2] = $4 " from " $5 } END { for (client in line) print client, line[client] }' "$ledger" |
        sort | quote
}

# knows HOST: whether its server knows every lease that a client holds.
knows() {
    control "$1" --json leases >"$DEMO_FOLDER/known" || return 1
    awk '$3 == "holds" { held[$2] = $4 } END { for (client in held) print held[client] }' "$ledger" |
        while read -r address; do
            grep -q "\"$address\"" "$DEMO_FOLDER/known" || exit 1
        done
}
