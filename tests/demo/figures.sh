# The figures at the end, counted in what the clients wrote down and in the servers' logs. Read by tests/demo/run.

# Milliseconds of silence of a subnet in the last return, as the failover measured them.
blackout() {
    silent=$(sed -n 's/.* \([0-9]*\) subnets returned, longest blackout \([0-9.]*\) ms.*/\2 ms (\1 subnets)/p' \
        "$DEMO_FOLDER/failover.log" | tail -n 1)
    figure "return: longest time in which nobody served a subnet (blackout)" "${silent:-not told}"
    check "the failover tells how long each subnet was silent" [ -n "$silent" ]
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
