#!/bin/sh
# Makes sure that the programs that tests (the demo, the lab of chaos) need are there.
#
#   tests/setup.sh test | demo | chaos
#
# As root on Debian and its kin it installs what is missing with apt, and lets no service start by that.
# Elsewhere it names what is missing and ends well: a test that lacks a program says so itself.
set -u
PATH="$PATH:${CARGO_HOME:-${HOME:-}/.cargo}/bin:/usr/sbin:/sbin"
export PATH

# Program (or file, beginning with /) and the Debian package that has it.
demo_needs="ip:iproute2 unshare:util-linux ps:procps udhcpc:udhcpc dhclient:isc-dhcp-client"
chaos_needs="ip:iproute2 unshare:util-linux setpriv:util-linux python3:python3 faketime:faketime"
test_needs="$demo_needs setpriv:util-linux dhcpcd:dhcpcd-base dhcrelay:isc-dhcp-relay perfdhcp:kea-admin
    tshark:tshark mandoc:mandoc strace:strace systemd-analyze:systemd
    /lib/systemd/systemd-networkd:systemd $chaos_needs"

is_there() {
    case $1 in
    /*) [ -e "$1" ] ;;
    *) command -v "$1" >/dev/null 2>&1 ;;
    esac
}

# Packages of the programs in $needs that are not there, each once.
missing() {
    for need in $needs; do
        is_there "${need%%:*}" || echo "${need#*:}"
    done | sort -u | tr '\n' ' '
}

# An existing guard that forbids every start is left alone; any other one is put aside and put back.
guard=/usr/sbin/policy-rc.d
guard_up() {
    if [ -e "$guard" ]; then
        "$guard" understudy start >/dev/null 2>&1
        [ $? -eq 101 ] && return 0
        mv "$guard" "$guard.understudy" || return 1
    fi
    trap guard_down EXIT
    trap 'exit 1' HUP INT TERM
    printf '#!/bin/sh\nexit 101\n' >"$guard" && chmod 0755 "$guard"
}
guard_down() {
    rm -f "$guard"
    if [ -e "$guard.understudy" ]; then mv "$guard.understudy" "$guard"; fi
}

apt() {
    DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 "$@" </dev/null
}

# All at once; where one of them does not exist in this release, one by one.
install_packages() {
    echo "setup: installing $*"
    guard_up || return 1
    apt update >/dev/null || echo "setup: apt-get update failed, going on with the lists that are here"
    apt install --no-install-recommends "$@" >/dev/null && return 0
    for package in "$@"; do
        apt install --no-install-recommends "$package" >/dev/null || echo "setup: $package: not installed"
    done
}

case ${1-} in
test) needs=$test_needs ;;
demo) needs=$demo_needs ;;
chaos) needs=$chaos_needs ;;
*)
    echo "usage: tests/setup.sh test|demo|chaos" >&2
    exit 64
    ;;
esac

absent=$(missing)
if [ -n "$absent" ] && [ "$(id -u)" = 0 ] && is_there apt-get; then
    # shellcheck disable=SC2086 # a list of words
    install_packages $absent
    absent=$(missing)
fi
if [ -n "$absent" ]; then
    echo "setup: missing programs of these Debian packages: $absent"
    echo "setup: install them, or run as root on Debian; what needs them is skipped or fails"
fi
is_there cc || echo "setup: no C compiler (cc): Rust needs one to link (Debian package gcc)"
exit 0
