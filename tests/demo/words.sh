# The words of the transcript: headings, quotes, checks and the tables at the end. Read by tests/demo/run.

step=0
failed=0
: >"$DEMO_FOLDER/table"
: >"$DEMO_FOLDER/figures"

heading() {
    step=$((step + 1))
    printf '\n==== %d. %s\n\n' "$step" "$*"
}

tell() { printf '%s\n' "$@"; }

# What a program said, set off from what the demo says.
quote() { sed 's/^/    | /'; }

# Milliseconds since 1970.
now_ms() { date +%s%3N; }

# seconds MILLISECONDS
seconds() { printf '%d.%02d' $(($1 / 1000)) $(($1 % 1000 / 10)); }

# waits COMMAND...: up to 15 seconds for the command to succeed.
waits() {
    tries=0
    until "$@" >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ "$tries" -le 750 ] || return 1
        sleep 0.02
    done
}

# check WHAT COMMAND...: waits for the command to succeed; a line of the table.
check() {
    what=$1
    shift
    if waits "$@"; then verdict=ok; else verdict=FAILED; fi
    printf '%-72s %s\n' "$what" "$verdict" >>"$DEMO_FOLDER/table"
    printf '\n-> %s: %s\n' "$what" "$verdict"
    if [ "$verdict" = FAILED ]; then
        failed=1
        for log in "$DEMO_FOLDER"/*.log; do
            tell "   The end of $(basename "$log"):"
            tail -n 20 "$log" | quote
        done
        finish
    fi
}

# figure WHAT VALUE: a line of the table of figures.
figure() { printf '%-72s %s\n' "$1" "$2" >>"$DEMO_FOLDER/figures"; }

finish() {
    printf '\n==== What was shown\n\n'
    cat "$DEMO_FOLDER/table"
    if [ -s "$DEMO_FOLDER/figures" ]; then
        printf '\n==== Figures\n\n'
        cat "$DEMO_FOLDER/figures"
    fi
    exit "$failed"
}

# news HOST: what its server wrote since the last call.
news() {
    seen="$DEMO_FOLDER/$1.seen"
    [ -e "$seen" ] || echo 0 >"$seen"
    tell "" "The log at \"$1\":"
    tail -n "+$(($(cat "$seen") + 1))" "$DEMO_FOLDER/$1.log" | quote
    wc -l <"$DEMO_FOLDER/$1.log" >"$seen"
}
