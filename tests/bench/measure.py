"""What is measured: one function a figure. Each takes the bench and servers and returns plain numbers.

Servers take turns (A B C A B C), each run on a fresh start with no leases, so that what else the machine does
falls on all of them alike."""
import json
import os
import re
import signal
import statistics
import subprocess
import sys

import leases
from hosts import CLIENT_RECEIVE_BUFFER, RELAY_ADDRESS, Steal
from servers import ADDRESS, SENDS, SYNCS, WRITES, Failed, Understudy

# A rate counts when fewer requests than this have no answer (per cent) ...
LOSS = 1.0
# ... and at least this part of the exchanges asked for began: else the generator was too slow.
BEGUN = 0.95
# Above this, perfdhcp itself may be what is slow.
PERFDHCP_CEILING = 10000
PERFDHCP_CLIENTS = 1000000
# A write of nothing but zeros prepares room ahead: no answer depends on it.
ZEROS = re.compile(r', "(\\x00)+"')


def say(text):
    """Progress, for whoever waits."""
    print("  " + text, file=sys.stderr, flush=True)


def drive(bench, server, *arguments):
    """One run of the load generator against a started server, with the server's CPU time and the steal."""
    steal, cpu = Steal(), server.cpu_seconds()
    run = subprocess.run(bench.load(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                         check=False)
    if run.returncode != 0:
        raise Failed("%s: %s" % (server.name, run.stderr.strip()))
    result = json.loads(run.stdout)
    result["cpu_us"] = 1e6 * (server.cpu_seconds() - cpu) / max(1, result["done"])
    result["steal"] = steal.stolen()
    if result["shared_addresses"]:
        raise Failed("%s gave %d addresses to two clients each" % (server.name, result["shared_addresses"]))
    return result


def fresh(bench, kind, *arguments):
    """The same against a fresh start."""
    with kind(bench) as server:
        server.start()
        return drive(bench, server, *arguments)


def capacity(bench, kinds):
    """Four-way exchanges a second with 200 always under way: no pacing, no loss, so no search."""
    runs = {kind.name: [] for kind in kinds}
    for _ in range(bench.rounds):
        for kind in kinds:
            result = fresh(bench, kind, "--seconds", bench.pilot_seconds, "4way")
            runs[kind.name].append(result)
            say("%-12s 200 under way: %.0f/s, %.0f us CPU, steal %.0f %%" % (
                kind.name, result["rate"], result["cpu_us"], result["steal"]))
    return {name: median(results) for name, results in runs.items()}


def median(results):
    """Medians of the figures of several runs, and the range of the rate."""
    middle = lambda pick: statistics.median(pick(r) for r in results)
    return {"rate": middle(lambda r: r["rate"]), "cpu_us": middle(lambda r: r["cpu_us"]),
            "lost_pct": middle(lambda r: r["lost_pct"]), "steal": middle(lambda r: r["steal"]),
            "low": min(r["rate"] for r in results), "high": max(r["rate"] for r in results),
            "offers": {k: middle(lambda r: r["offers"][k]) for k in ("min", "avg", "p99")},
            "acks": {k: middle(lambda r: r["acks"][k]) for k in ("min", "avg", "p99")}}


class Search:
    """Looks for the highest constant rate of one server: a bracket, then halves."""

    def __init__(self, start, resolution):
        self.rate = max(5.0, start)
        self.resolution = resolution
        self.good = self.bad = None
        self.settled = False

    def tell(self, good):
        """The result at `rate`; sets the next."""
        if good:
            self.good = self.rate
        else:
            self.bad = self.rate
        if self.good and self.bad:
            self.rate = (self.good * self.bad) ** 0.5
            self.settled = self.bad / self.good < self.resolution
        else:
            self.rate = self.rate * (1.25 if good else 0.8)
        if self.settled:
            self.rate = self.good


def is_good(result, rate, seconds):
    """Whether the server kept up with this rate."""
    return result["lost_pct"] < LOSS and result["naks"] == 0 and result["begun"] >= BEGUN * rate * seconds


def paced(bench, kind, rate, seconds):
    """One run at a constant rate."""
    result = fresh(bench, kind, "--rate", "%.0f" % rate, "--seconds", seconds, "4way")
    result["good"] = is_good(result, rate, seconds)
    say("%-12s asked %.0f/s, done %.0f/s, lost %.2f %%, ACK p99 %.1f ms, %.0f us CPU, steal %.0f %%%s" % (
        kind.name, rate, result["rate"], result["lost_pct"], result["acks"]["p99"], result["cpu_us"],
        result["steal"], "" if result["good"] else ": too fast"))
    return result


def sustained(bench, kinds, guesses):
    """The highest constant rate at which two of three runs lose under 1 %, of each server."""
    searches = {kind.name: Search(0.9 * guesses[kind.name]["rate"], bench.resolution) for kind in kinds}
    for _ in range(bench.search_rounds):
        for kind in kinds:
            search = searches[kind.name]
            if not search.settled:
                search.tell(paced(bench, kind, search.rate, bench.pilot_seconds)["good"])
    for search in searches.values():
        search.rate = search.good or search.rate
    found = {}
    for _ in range(bench.confirm_rounds):
        left = [kind for kind in kinds if kind.name not in found]
        runs = {kind.name: [] for kind in left}
        for _ in range(3):
            for kind in left:
                runs[kind.name].append(paced(bench, kind, searches[kind.name].rate, bench.seconds))
        for name, results in runs.items():
            if sum(r["good"] for r in results) >= 2:
                found[name] = {**median([r for r in results if r["good"]]), "asked": searches[name].rate}
            else:
                # far too fast: what was done is a better guess than a small step
                done = statistics.median(r["rate"] for r in results)
                searches[name].rate *= min(0.9, max(0.6, done / searches[name].rate))
    return {kind.name: found.get(kind.name) for kind in kinds}


def latency(bench, kinds, rate=200):
    """Delays at a low rate."""
    results = {}
    for kind in kinds:
        results[kind.name] = median([fresh(bench, kind, "--rate", rate, "--seconds", bench.pilot_seconds,
                                           "--linger", 1, "4way")])
        say("%-12s at %d/s: %s" % (kind.name, rate, json.dumps(results[kind.name]["acks"])))
    return results


def traced(bench, kind, calls, *arguments):
    """Runs the load against a server under strace; the load's result and the lines of the trace."""
    with kind(bench) as server:
        log = server.path("trace")
        server.wrap = ["strace", "-f", "--seccomp-bpf", "-qq", "-x", "-s", "300", "-o", log, "-e",
                       "trace=" + ",".join(calls)]
        server.start()
        skip = os.path.getsize(log)
        result = drive(bench, server, *arguments)
        server.stop()
        with open(log, errors="replace") as f:
            f.seek(skip)
            return result, f.read().splitlines()


def syncs(bench, kind, rate):
    """Syncs per ACK at a rate."""
    result, lines = traced(bench, kind, SYNCS, "--rate", "%.0f" % rate, "--seconds", bench.pilot_seconds, "4way")
    count = sum(1 for line in lines if re.match(r"\d+ +(%s)\(" % "|".join(SYNCS), line))
    say("%-12s at %.0f/s under strace: %d syncs, %d ACKs, lost %.2f %%" % (
        kind.name, rate, count, result["done"], result["lost_pct"]))
    return {"per_ack": count / max(1, result["done"]), "rate": result["rate"]}


def order(bench, kind):
    """Of the calls that send an ACK at 100/s: how many left when all that was written before was synced."""
    _, lines = traced(bench, kind, SYNCS + SENDS + WRITES, "--rate", 100, "--seconds", 2, "--linger", 1, "4way")
    acks = after = 0
    synced = written = False
    for line in lines:
        call = re.match(r"\d+ +(?:<\.\.\. )?(\w+)", line)
        if call is None:
            continue
        if call.group(1) in SYNCS:
            synced = synced or ("<unfinished" not in line and "= 0" in line and written)
        elif r"\x63\x82\x53\x63" in line:
            # a packet: the cookie, then in the same call message type ACK
            if r"\x35\x01\x05" in line:
                acks += 1
                after += synced
        elif call.group(1) in WRITES and not ZEROS.search(line):
            written, synced = True, False
    say("%-12s %d of %d ACKs left with all writes synced" % (kind.name, after, acks))
    return {"acks": acks, "after_sync": after}


def durability(bench, kinds, rates):
    """Syncs per ACK at 100/s and at half the sustained rate, and whether they come first."""
    results = {}
    for kind in kinds:
        results[kind.name] = {**order(bench, kind), "slow": syncs(bench, kind, 100)}
        if rates.get(kind.name):
            results[kind.name]["half"] = syncs(bench, kind, rates[kind.name]["asked"] / 2)
    return results


def memory(bench, kind, habit=()):
    """Resident memory and stored octets by leases that clients really got, then renewals a second."""
    count = bench.leases
    with kind(bench) as server:
        server.start()
        # the first packets touch code and buffers that no lease needs
        drive(bench, server, "--count", 100, "--first", 0xFF000000, "4way")
        empty, stored = server.resident(), server.stored()
        kept = server.path("kept")
        filled = drive(bench, server, "--count", count, "--keep", kept, *habit, "4way")
        full = server.resident()
        result = {"leases": count, "empty": empty, "full": full, "per_lease": (full - empty) / count,
                  "stored": (server.stored() - stored) / count, "fill_rate": filled["rate"]}
        renewed = drive(bench, server, "--seconds", bench.pilot_seconds, "--leases", kept, *habit, "renew")
        result["renew"] = {"rate": renewed["rate"], "cpu_us": renewed["cpu_us"], "naks": renewed["naks"]}
        result["after_renewals"] = server.resident()
        say("%-12s %d leases%s: %.0f octets of memory each, filled at %.0f/s, renewed %.0f/s" % (
            kind.name, count, " with identifier and host name" if habit else "", result["per_lease"],
            filled["rate"], renewed["rate"]))
        return result


def discover(bench, kinds):
    """DISCOVER-OFFER alone, 200 under way."""
    results = {}
    for kind in kinds:
        results[kind.name] = median([fresh(bench, kind, "--seconds", bench.pilot_seconds, "discover")])
        say("%-12s DISCOVER-OFFER, 200 under way: %.0f/s" % (kind.name, results[kind.name]["rate"]))
    return results


def start_up(bench, kind, count):
    """Seconds from exec to the first OFFER with a lease file of `count` leases, and resident memory then."""
    times, killed = [], []
    for _ in range(3 if kind is Understudy else bench.start_rounds):
        with kind(bench, count + 1024) as server:
            server.write_leases(count)
            os.sync()
            times.append(server.start())
            resident, cpu = server.resident(), server.cpu_seconds()
            say("%-12s %d leases: first OFFER %.2f s after exec (%.2f s CPU), %.0f MiB resident" % (
                kind.name, count, times[-1], cpu, resident / 2**20))
            if kind is Understudy or bench.full:
                server.stop(signal.SIGKILL)
                killed.append(server.start())
                say("%-12s the same after kill -9: %.2f s" % (kind.name, killed[-1]))
    result = {"leases": count, "seconds": statistics.median(times), "cpu": cpu, "resident": resident}
    if killed:
        result["killed"] = statistics.median(killed)
    if kind is Understudy:
        with kind(bench) as server:
            # A snapshot is made when the segments are twice the last one: so a journal holds three records a lease.
            leases.understudy(bench, server.path("state"), count, 3)
            result["largest"] = server.start()
        say("%-12s with 3 records a lease: %.2f s" % (kind.name, result["largest"]))
    return result


def second_opinion(bench, kinds, rates):
    """perfdhcp at each server's own sustained rate, at most at what perfdhcp is sure to do."""
    results = {}
    for kind in kinds:
        if not rates.get(kind.name):
            continue
        rate = min(PERFDHCP_CEILING, 0.9 * rates[kind.name]["asked"])
        with kind(bench) as server:
            server.start()
            results[kind.name] = perfdhcp(bench, server, rate)
        say("%-12s perfdhcp asked %.0f/s: %s" % (kind.name, rate, json.dumps(results[kind.name])))
    return results


def perfdhcp(bench, server, rate):
    """One run of perfdhcp: exchanges done a second of sending, and the worse loss of its two exchanges."""
    bench.hosts.receive_buffer(CLIENT_RECEIVE_BUFFER)
    cpu = server.cpu_seconds()
    run = subprocess.run(bench.hosts.on_client([
        "perfdhcp", "-4", "-l", RELAY_ADDRESS, "-R", str(PERFDHCP_CLIENTS), "-g", "single", "-W", "200000",
        "-r", "%.0f" % rate, "-p", str(bench.seconds), ADDRESS]), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, timeout=60 + 3 * bench.seconds, check=False)
    lost, done = 0.0, 0.0
    for title in ("DISCOVER-OFFER", "REQUEST-ACK"):
        part = run.stdout.partition("***Statistics for: %s***" % title)[2].partition("***Statistics")[0]
        sent, got = (re.search(r"^%s packets: (\d+)" % word, part, re.M) for word in ("sent", "received"))
        if not sent or not got:
            raise Failed("perfdhcp against %s: %s" % (server.name, run.stdout[-300:]))
        done = float(got.group(1))
        lost = max(lost, 100.0 * (1 - done / max(1.0, float(sent.group(1)))))
    return {"asked": rate, "rate": done / bench.seconds, "lost_pct": lost,
            "cpu_us": 1e6 * (server.cpu_seconds() - cpu) / max(1.0, done)}

