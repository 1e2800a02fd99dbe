"""What is measured of a pair: one function a figure. Each takes the bench and a kind of pair, returns plain numbers."""
import json
import os
import re
import select
import signal
import statistics
import subprocess
import time

import leases
from hosts import FIRST_PRIORITY
from measure import say
from pairs import BRISK, FIRST, SECOND, SUBNET_ADDRESSES, Understudy
from servers import Failed

HERE = os.path.dirname(os.path.abspath(__file__))
# Clients of a crowd that holds leases before the run.
HOLDERS = 20000
# After what is measured, so that what follows from it shows too.
AFTERWARDS = 2.0
KIND, RELAY_INDEX, BEGAN, ACKED, SERVER, REPEATS, ADDRESS, LEASE, REFUSED = range(9)


class Crowd:
    """A running crowd.py."""

    def __init__(self, pair, new=0, renew=0, held=0):
        self.out = pair.second.path("rows")
        words = ["--relays", ",".join(pair.relays), "--servers", pair.targets(), "--new", str(new), "--out", self.out]
        if renew:
            file = pair.second.path("held")
            write_held(file, held)
            words += ["--renew", str(renew), "--leases", file]
        command = pair.bench.wires.on("c", ["python3", os.path.join(HERE, "crowd.py"), *words], 1, FIRST_PRIORITY)
        # unbuffered: a line that waits in a buffer is none that select sees
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0)
        self.process.stdout.readline()

    def wait_for(self, server, patience):
        """Waits until `server` answers after another did; whether it does."""
        ends = time.monotonic() + patience
        while (left := ends - time.monotonic()) > 0:
            if select.select([self.process.stdout], [], [], left)[0]:
                line = self.process.stdout.readline()
                if not line or line.decode().strip() == server:
                    return bool(line)
        return False

    def rows(self):
        """Ends it; all rows."""
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate()
        with open(self.out) as f:
            return json.load(f)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def write_held(path, count):
    """Address and hardware address of clients spread over `count` leases; none at the edge of a subnet."""
    step = max(1, count // HOLDERS)
    with open(path, "w") as f:
        for number, (address, hardware) in enumerate(leases.each(count)):
            if number % step == 0 and 0 < number % SUBNET_ADDRESSES < SUBNET_ADDRESSES - 1:
                f.write("%s %s\n" % (address, hardware))


def waits(rows, since, until=float("inf")):
    """Figures of the requests that began in a time: how many, not answered at their first message, longest wait."""
    some = [row for row in rows if since <= row[BEGAN] < until]
    delays = sorted(1000 * (row[ACKED] - row[BEGAN]) for row in some if row[ACKED])
    return {"requests": len(some), "refused": sum(row[REFUSED] for row in some),
            "lost": sum(1 for row in some if row[REPEATS] or not row[ACKED]),
            "longest_ms": delays[-1] if delays else 0.0,
            "p99_ms": delays[len(delays) * 99 // 100] if delays else 0.0}


def first_by(rows, server, since, kind=None, relay=None):
    """Seconds from `since` to the first ACK by `server`; None when there is none."""
    times = [row[ACKED] - since for row in rows if row[ACKED] and row[ACKED] > since and row[SERVER] == server
             and kind in (None, row[KIND]) and relay in (None, row[RELAY_INDEX])]
    return min(times, default=None)


def gap(rows, since, until):
    """The longest time in which nobody was answered."""
    times = sorted([since, *(row[ACKED] for row in rows if row[ACKED] and since <= row[ACKED] <= until), until])
    return max(b - a for a, b in zip(times, times[1:]))


def duplicates(rows):
    """Addresses that two new clients got."""
    given = [row[ADDRESS] for row in rows if row[KIND] == "new" and row[ACKED]]
    return len(given) - len(set(given))


def takeover(bench, kind, timers=BRISK, cut=False, patience=30):
    """Seconds from the death of the first, a kill -9 or a cut wire, to the first ACK of a new client."""
    results = []
    for _ in range(bench.rounds):
        with kind(bench, timers) as pair:
            pair.start()
            time.sleep(1)
            with Crowd(pair, new=100) as crowd:
                time.sleep(AFTERWARDS)
                if cut:
                    at = time.monotonic()
                    bench.wires.cut("s0")
                else:
                    at = pair.first.end(signal.SIGKILL)
                crowd.wait_for(SECOND, patience)
                time.sleep(AFTERWARDS)
                rows = crowd.rows()
        found = {"seconds": first_by(rows, SECOND, at, "new"), "duplicates": duplicates(rows)}
        say("%-12s %s, timers %s: first ACK after %s s, duplicates %d" % (
            kind.name, "wire cut" if cut else "kill -9", timers, found["seconds"], found["duplicates"]))
        results.append(found)
    times = [r["seconds"] if r["seconds"] is not None else float("inf") for r in results]
    return {"seconds": statistics.median(times), "worst": max(times),
            "duplicates": sum(r["duplicates"] for r in results)}


def planned(bench, kind):
    """The longest wait of a client around a SIGTERM to the first."""
    results = []
    for _ in range(bench.rounds):
        with kind(bench) as pair:
            renew = 0
            if pair.is_filled:
                pair.fill(HOLDERS, second=True)
                renew = 400
            pair.start()
            with Crowd(pair, new=100, renew=renew, held=HOLDERS) as crowd:
                time.sleep(AFTERWARDS)
                at = pair.first.end()
                ended = time.monotonic()
                crowd.wait_for(SECOND, 30)
                time.sleep(AFTERWARDS)
                rows = crowd.rows()
        results.append({**waits(rows, at - 0.5), "stop_ms": 1000 * (ended - at)})
        say("%-12s planned stop: %s" % (kind.name, json.dumps(results[-1])))
    return max(results, key=lambda r: r["longest_ms"])


def giveback(bench, kind, count):
    """The return of the first, killed, with its leases, while clients renew at the second."""
    with kind(bench, subnets=-(-count // SUBNET_ADDRESSES)) as pair:
        pair.fill(count, second=True)
        pair.start(300)
        with Crowd(pair, renew=500, held=count) as crowd:
            time.sleep(AFTERWARDS)
            dead = pair.first.end(signal.SIGKILL)
            crowd.wait_for(SECOND, 60)
            time.sleep(count / 100 / 500)
            back = pair.first.start()
            crowd.wait_for(FIRST, 120)
            rest = pair.rest(120)
            time.sleep(AFTERWARDS)
            rows = crowd.rows()
        changed = sum(1 for row in rows if row[ACKED] and row[SERVER] == SECOND)
        serves = first_by(rows, FIRST, back)
        result = {**waits(rows, back, rest + 1), "leases": count, "changed": changed, "seconds": serves or float("inf"),
                  "gap_ms": 1000 * gap(rows, back, rest), "dead_s": back - dead, "blackout_ms": pair.blackout(),
                  "rest_s": rest - back}
    say("%-12s return with %d leases: %s" % (kind.name, count, json.dumps(result)))
    return result


def copy(bench, kind, count):
    """Seconds in which an empty second gets `count` leases while the first serves."""
    with kind(bench) as pair:
        pair.fill(count)
        pair.first.start()
        pair.serves(120)
        with Crowd(pair, renew=500, held=count) as crowd:
            time.sleep(AFTERWARDS)
            began = pair.second.start()
            cpu = pair.first.cpu_seconds()
            rest = pair.rest(600)
            spent = (pair.first.cpu_seconds() - cpu, pair.second.cpu_seconds())
            time.sleep(1)
            rows = crowd.rows()
        result = {**waits(rows, began, rest), "leases": count, "seconds": rest - began,
                  "cpu_first_s": spent[0], "cpu_second_s": spent[1]}
    say("%-12s full copy: %s" % (kind.name, json.dumps(result)))
    return result


def loss(bench, kind):
    """What clients of the first feel when the second dies under load."""
    with kind(bench) as pair:
        renew = 0
        if pair.is_filled:
            pair.fill(HOLDERS, second=True)
            renew = 500
        pair.start()
        with Crowd(pair, new=100, renew=renew, held=HOLDERS) as crowd:
            time.sleep(AFTERWARDS)
            at = pair.second.end(signal.SIGKILL)
            time.sleep(3 * AFTERWARDS)
            rows = crowd.rows()
    before = waits(rows, 0, at - 0.5)
    result = {**waits(rows, at - 0.5), "before_ms": before["longest_ms"]}
    say("%-12s loss of the second: %s" % (kind.name, json.dumps(result)))
    return result


def throughput(bench, kind):
    """Four-way exchanges a second of the first in its pair and alone, in turns."""
    rates = {True: [], False: []}
    for _ in range(bench.rounds):
        for alone in (True, False):
            with kind(bench, alone=alone) as pair:
                pair.start()
                done = subprocess.run(bench.load("4way", "--seconds", bench.seconds), stdout=subprocess.PIPE, text=True,
                                      check=False)
                if done.returncode != 0:
                    raise Failed("%s: the load generator fails" % kind.name)
                found = json.loads(done.stdout)
                cpu = 1e6 * pair.first.cpu_seconds() / max(1, found["done"])
            rates[alone].append(found["rate"])
            say("%-12s %s: %.0f/s, ACK p99 %.1f ms, %.0f us CPU" % (
                kind.name, "alone" if alone else "pair", found["rate"], found["acks"]["p99"], cpu))
    alone, paired = statistics.median(rates[True]), statistics.median(rates[False])
    return {"alone": alone, "rate": paired, "share": 100 * paired / alone}


def many(bench, kind, count=32, dying=4):
    """One second for many firsts: some die at once, then all."""
    if kind is not Understudy:
        return None
    with kind(bench, firsts=["10.77.1.%d" % (i + 1) for i in range(count)]) as pair:
        pair.start()
        time.sleep(1)
        with Crowd(pair, new=10 * count) as crowd:
            time.sleep(AFTERWARDS)
            at = [node.end(signal.SIGKILL) for node in pair.firsts[:dying]][0]
            time.sleep(2 * AFTERWARDS)
            last = kill(pair.firsts[dying:])
            time.sleep(2 * AFTERWARDS)
            rows = crowd.rows()
    # a primary that was killed had not answered all yet
    others = waits([row for row in rows if row[RELAY_INDEX] >= dying], at - 0.5, last - 0.5)
    strangers = sum(1 for row in rows if row[RELAY_INDEX] >= dying and row[ACKED] and row[ACKED] < last
                    and row[SERVER] == SECOND)
    some = [first_by(rows, SECOND, at, relay=i) for i in range(dying)]
    rest = [first_by(rows, SECOND, last, relay=i) for i in range(count)]
    worst = lambda times: max(float("inf") if t is None else t for t in times)
    result = {"firsts": count, "dying": dying, "others": others, "strangers": strangers, "some_s": worst(some),
              "all_s": worst(rest), "served": sum(t is not None for t in rest), "duplicates": duplicates(rows)}
    say("%-12s %d firsts: %s" % (kind.name, count, json.dumps(result)))
    return result


def kill(nodes):
    """All at once; the time of the first."""
    at = time.monotonic()
    for node in nodes:
        os.kill(node.process.pid, signal.SIGKILL)
    for node in nodes:
        node.process.wait()
    return at
