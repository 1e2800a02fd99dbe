# One server without a partner: what it says and keeps. Read by tests/demo/run.

one_server_alone() {
    heading "One server alone: a client gets a lease"
    alone_config
    tell "A bridge connects the hosts \"primary\" (10.1.0.4), \"failover\" (10.1.0.5) and five clients." \
        "At first \"primary\" serves alone. Its configuration, alone.ini:"
    quote <"$DEMO_FOLDER/alone.ini"
    tell "" "primary\$ understudyd --new -c alone.ini    (once: create the lease database)"
    check "the lease database is created" on primary understudyd --new -c "$DEMO_FOLDER/alone.ini"
    tell ""
    serve primary alone
    check "the server starts" answers primary
    begun=$(now_ms)
    tell ""
    join client1
    check "the client has a lease: DISCOVER, OFFER, REQUEST, ACK" hold "$begun" 10.1.0.4 client1
    news primary
    tell "" "The server had the lease on disk before it sent the ACK."
    ask primary leases

    heading "kill -9: the server forgets nothing"
    kill_9 primary
    serve primary alone
    check "the server is back" answers primary
    ask primary leases
    check "the lease is still there" knows primary
    begun=$(now_ms)
    renew client1
    check "the client's renewal is acknowledged" hold "$begun" 10.1.0.4 client1
    tell ""
    stop primary
    check "the server ends as asked, with exit status 0" [ "$code" -eq 0 ]
    check "configuration and lease journal are whole" on primary understudyd -t -c "$DEMO_FOLDER/alone.ini"
    news primary
    quit client1
    : >"$ledger"
    : >"$DEMO_FOLDER/client1.leases"
}

alone_config() {
    mkdir "$DEMO_FOLDER/alone" "$DEMO_FOLDER/primary" "$DEMO_FOLDER/failover"
    cat >"$DEMO_FOLDER/alone.ini" <<END
[Server]
FailoverServerType = Standalone/Primary
StateDir = $DEMO_FOLDER/alone
ControlSocket = $DEMO_FOLDER/primary.sock
User = root

[Policy]
DefaultLease = $LEASE

[Subnet 10.1.0.0/24]
Range = 10.1.0.50 - 10.1.0.99
Option.routers = 10.1.0.1
END
}
