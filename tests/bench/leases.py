"""Lease files with many leases, as each server would have written them: for timing its start-up.

Lease i has the address 10.80.0.0 + i and the hardware address 02:cc and i in four octets."""
import subprocess
import time

FIRST = 0x0A500000
# Long enough that no lease ends during the bench.
SECONDS = 6 * 3600


def dotted(number):
    """An IPv4 address as text."""
    return "%d.%d.%d.%d" % (number >> 24, number >> 16 & 255, number >> 8 & 255, number & 255)


def each(count):
    """Address and hardware address of each lease."""
    for i in range(count):
        yield dotted(FIRST + i), "02:cc:%02x:%02x:%02x:%02x" % (i >> 24, i >> 16 & 255, i >> 8 & 255, i & 255)


def kea(path, count):
    """A memfile of Kea 2.2."""
    end = int(time.time()) + SECONDS
    with open(path, "w") as f:
        f.write("address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state,"
                "user_context\n")
        for address, hardware in each(count):
            f.write("%s,%s,,%d,%d,1,0,0,,0,\n" % (address, hardware, SECONDS, end))


def isc(path, count):
    """A dhcpd.leases(5)."""
    now = time.time()
    start, end = (time.strftime("%w %Y/%m/%d %H:%M:%S", time.gmtime(t)) for t in (now, now + SECONDS))
    with open(path, "w") as f:
        for address, hardware in each(count):
            f.write("lease %s {\n  starts %s;\n  ends %s;\n  cltt %s;\n  binding state active;\n"
                    "  next binding state free;\n  rewind binding state free;\n  hardware ethernet %s;\n}\n"
                    % (address, start, end, start, hardware))


def understudy(bench, folder, count, times=1):
    """Our journal, through our own library; with each lease written so many times."""
    subprocess.run([bench.journal_program, folder, str(count), str(times)], check=True)
