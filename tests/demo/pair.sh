# A primary and its failover: takeover, return of control, planned stop. Read by tests/demo/run.

a_pair() {
    the_pair_is_made
    the_pair_starts
    clients_come
    the_primary_is_killed
    the_primary_returns
    the_primary_is_stopped
    figures
}

the_pair_is_made() {
    heading "A pair: one key, two configurations"
    tell "primary\$ understudyctl keygen > failover.key    (and the same file at \"failover\")"
    (umask 077 && understudyctl keygen >"$DEMO_FOLDER/failover.key")
    primary_config >"$DEMO_FOLDER/primary.ini"
    failover_config >"$DEMO_FOLDER/failover.ini"
    for side in primary failover; do
        tell "" "$side.ini:"
        quote <"$DEMO_FOLDER/$side.ini"
        tell "" "$side\$ understudyd --new -c $side.ini    (once: create the lease database)"
        check "the lease database at \"$side\" is created" on "$side" understudyd --new -c "$DEMO_FOLDER/$side.ini"
    done
}

primary_config() {
    cat <<END
[Server]
FailoverServerType = Standalone/Primary
ServerAddress = 10.1.0.4
StateDir = $DEMO_FOLDER/primary
ControlSocket = $DEMO_FOLDER/primary.sock
User = root

[Failover]
UseFailoverServer = True
SecondaryIpAddr = 10.1.0.5
FailoverKeyFile = $DEMO_FOLDER/failover.key

[Policy]
DefaultLease = $LEASE

[Subnet 10.1.0.0/24]
Range = 10.1.0.50 - 10.1.0.99
Option.routers = 10.1.0.1

[Subnet 10.2.0.0/24]
Range = 10.2.0.50 - 10.2.0.99
END
}

failover_config() {
    cat <<END
[Server]
FailoverServerType = Failover/Secondary
ServerAddress = 10.1.0.5
StateDir = $DEMO_FOLDER/failover
ControlSocket = $DEMO_FOLDER/failover.sock
User = root

[Primary dhcp1]
PrimaryIpAddr = 10.1.0.4
FailoverKeyFile = $DEMO_FOLDER/failover.key
PollDelay = 1
WaitPollRplSecs = 1
END
}

# is HOST STATE: whether its partner line says so; polling goes on, so Probing is Asleep.
is() {
    states=$2
    [ "$states" != Asleep ] || states="(Asleep|Probing)"
    control "$1" status | grep -qE "^partner [^ ]+: $states since .*, in contact"
}
in_normal_operation() { is primary Serving && is failover Asleep; }

has_subnets() { [ "$(control failover subnets | grep -cE '^10\.[12]\.0\.0/24')" -eq 2 ]; }

the_pair_starts() {
    heading "Both start: the primary serves, the failover sleeps"
    serve failover failover
    serve primary primary
    check "the primary serves and the failover sleeps, in contact" in_normal_operation
    check "the failover has the subnets, which the primary has sent" has_subnets
    news primary
    news failover
    partners_of primary
    partners_of failover
    ask failover subnets
}

clients_come() {
    heading "Clients get leases from the primary; the failover knows each"
    begun=$(now_ms)
    join $CLIENTS
    check "four clients have leases of the primary" hold "$begun" 10.1.0.4 $CLIENTS
    list
    check "the failover knows each of these leases" knows failover
    ask failover leases
    check "the failover has not answered any client" eval '! says failover "DHCP(OFFER|ACK|NAK)"'
    news primary
}

the_primary_is_killed() {
    heading "kill -9 of the primary: the failover takes over"
    killed=$(now_ms)
    kill_9 primary
    join $VISITOR
    check "the failover is Active" says failover '-> Active'
    active=$(now_ms)
    renew $CLIENTS
    check "all four clients renew at the failover" hold "$killed" 10.1.0.5 $CLIENTS
    check "a new client gets an address from the failover" hold "$killed" 10.1.0.5 $VISITOR
    list
    news failover
    figure "takeover: kill -9 to Active, by the failover's log" "$(seconds $((active - killed))) s"
    figure "takeover: kill -9 to the first lease that a client got" \
        "$(seconds $(($(first "$killed" 10.1.0.5) - killed))) s"
    figure "takeover: kill -9 to the address of the new client" \
        "$(seconds $(($(first "$killed" 10.1.0.5 $VISITOR) - killed))) s"
}

the_primary_returns() {
    heading "The primary returns: it gets the changes first, then control, subnet by subnet"
    returned=$(now_ms)
    serve primary primary
    check "the primary serves and the failover sleeps again" in_normal_operation
    took=$(($(now_ms) - returned))
    check "the primary knows each lease, the new client's too" knows primary
    ask primary leases
    begun=$(now_ms)
    renew $CLIENTS $VISITOR
    check "all five clients renew at the primary" hold "$begun" 10.1.0.4 $CLIENTS $VISITOR
    list
    news primary
    news failover
    partners_of failover
    figure "return: start of the primary to control of all subnets" "$(seconds "$took") s"
    blackout
}

the_primary_is_stopped() {
    heading "A planned stop: the primary gives control before it ends"
    before=$(count failover '-> Active')
    stopped=$(now_ms)
    stop primary
    took=$(($(now_ms) - stopped))
    check "the primary ends with exit status 0" [ "$code" -eq 0 ]
    check "the failover is Active because the primary gave control" \
        more failover '-> Active, reason: the primary gives control' 0
    renew $CLIENTS $VISITOR
    check "all five clients renew at the failover" hold "$stopped" 10.1.0.5 $CLIENTS $VISITOR
    figure "planned stop: SIGTERM to the end of the primary, control given" "$(seconds "$took") s"
    news primary
    news failover

    heading "The primary starts again"
    begun=$(now_ms)
    serve primary primary
    check "the primary serves and the failover sleeps again" in_normal_operation
    check "the primary knows each lease" knows primary
    check "the failover knows each lease" knows failover
    renew $CLIENTS $VISITOR
    check "all five clients renew at the primary" hold "$begun" 10.1.0.4 $CLIENTS $VISITOR
    list
    partners_of primary
    partners_of failover
}
