# The figures at the end, counted in what the clients wrote down and in the servers' logs. Read by tests/demo/run.

# Milliseconds in which nobody served, in the last return, as the failover measured them: a line a subnet; where its
# status does not have them, the longest one from its log.
blackout() {
    control failover --json status | tr '{' '\n' | sed -n 's/^"subnet":"\([^"]*\)","ms":\([0-9]*\)}.*/\1 \2/p' \
        >"$DEMO_FOLDER/blackouts"
    if [ ! -s "$DEMO_FOLDER/blackouts" ]; then
        sed -n 's/.* \([0-9]*\) subnets returned, longest blackout \([0-9]*\) ms.*/longest-of-\1 \2/p' \
            "$DEMO_FOLDER/failover.log" | tail -n 1 >"$DEMO_FOLDER/blackouts"
    fi
    check "the failover tells how long each subnet was silent" [ -s "$DEMO_FOLDER/blackouts" ]
    while read -r subnet silent; do
        figure "return: blackout of $subnet, served by neither" "$silent ms"
    done <"$DEMO_FOLDER/blackouts"
}

# A lease is lost when its client loses or changes its address before the lease has ended, or cannot renew in time.
lost() {
    awk -v now="$(now_ms)" '
        $3 == "nothing" && $1 < until[$2] { lost++; until[$2] = 0 }
        $3 == "holds" {
            if (until[$2] && (address[$2] != $4 || $1 > until[$2])) lost++
            address[$2] = $4; until[$2] = $1 + $6 * 1000
        }
        END { for (client in until) if (until[client] && until[client] < now) lost++; print lost + 0 }' "$ledger"
}

# A duplicate: an address given to one client while the lease of another stands.
duplicates() {
    awk '
        $3 == "holds" {
            if ($4 in holder && holder[$4] != $2 && until[$4] > $1) twice++
            holder[$4] = $2; until[$4] = $1 + $6 * 1000
        }
        END { print twice + 0 }' "$ledger"
}

figures() {
    heading "What the clients wrote down: leases lost, addresses given twice"
    tell "$(grep -c holds "$ledger") leases and renewals of $(cut -d' ' -f2 "$ledger" | sort -u | wc -l) clients."
    lost=$(lost) twice=$(duplicates)
    figure "leases lost (address taken, changed, or not renewed in time)" "$lost"
    figure "duplicates (an address of two clients at once)" "$twice"
    figure "refusals (DHCPNAK) by either server" "$(($(count primary DHCPNAK) + $(count failover DHCPNAK)))"
    check "no lease was lost" [ "$lost" -eq 0 ]
    check "no address was given twice" [ "$twice" -eq 0 ]
}
