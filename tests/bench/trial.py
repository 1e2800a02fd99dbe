"""One pair, one fault: from an empty world to figures."""
import signal
import subprocess
import threading
import time

import verdict
from measure import say
from worlds import BEAT, World
from hosts import INTERFACE

CLIENTS = 200
# All have come and some have renewed.
WARM_UP = 25
# After the fault: leases of before and of during it end; then nobody comes any more, and who wants an address has one.
AFTERWARDS, CALM = 33, 12


class Ended(Exception):
    """The whole run was told to end."""


class Trial:
    """What a plan works with."""

    ended = threading.Event()

    def __init__(self, bench, kind):
        self.bench, self.kind = bench, kind
        self.world = World(bench)
        self.pair = kind(self.world)
        self.since = self.until = self.cut_at = None
        self.cuts = []

    def run(self, plan):
        """The figures of a plan."""
        packets = self.pair.first.path("packets")
        processes = []
        try:
            self.pair.start()
            observer = subprocess.Popen(self.world.script("observer.py", "--out", packets, INTERFACE, BEAT),
                                        stdout=subprocess.PIPE)
            processes.append(observer)
            observer.stdout.readline()
            words = ["--clients", str(CLIENTS)] + (["--echo"] if self.bench.echo else [])
            herd = subprocess.Popen(self.world.script("herd.py", *words, INTERFACE, BEAT))
            processes.append(herd)
            self.wait(WARM_UP)
            plan(self)
            self.wait(AFTERWARDS)
            self.until = time.monotonic()
            herd.send_signal(signal.SIGUSR1)
            self.wait(CALM)
            for node in self.pair.nodes:
                node.must_live()
            observer.terminate()
            observer.wait()
            return self.judge(verdict.Verdict(verdict.read(packets), self.cuts))
        finally:
            for process in processes:
                if process.poll() is None:
                    process.kill()
                process.wait()
            self.pair.close()
            self.world.remove()

    def judge(self, found):
        """The figures, in plain numbers; what is wrong at ours is told packet by packet."""
        silence, begun = found.silence(self.since, self.until)
        result = {"acks": dict(found.given), "duplicates": len(found.duplicates), "refused": len(found.refused),
                  "ran_out": len(found.ran_out), "doubles": len(found.doubles["contact"]),
                  "doubles_cut": len(found.doubles["cut"]), "silence_s": silence, "silent_at_s": begun - self.since,
                  "without": len(found.without())}
        result["told"] = [
            *("duplicate %s: %s" % (sorted(pair[1]), line) for pair, line in found.duplicates),
            *("refused %s" % (line,) for line in found.refused), *("ran out %s" % (loss,) for loss in found.ran_out),
            *("two answers in contact %s" % (line,) for line in found.doubles["contact"])]
        result["since"], result["cuts"] = self.since, self.cuts
        return result

    def wait(self, seconds):
        """Lets seconds pass."""
        if Trial.ended.wait(seconds):
            raise Ended()

    def begin(self):
        """From now on it counts how long nobody is answered."""
        if self.since is None:
            self.since = time.monotonic()

    def dies(self, node):
        """kill -9."""
        self.begin()
        node.end(signal.SIGKILL)

    def cut(self, call):
        """The servers are kept from each other by `call`."""
        self.begin()
        self.cut_at = time.monotonic()
        call()

    def mend(self):
        """All wires are whole again."""
        self.world.mend()
        self.cuts.append((self.cut_at, time.monotonic()))

    def loses_power(self, *nodes):
        """First nothing is heard of them any more, then they are not there."""
        self.begin()
        for node in nodes:
            self.world.silence(node.name)
        for node in nodes:
            node.end(signal.SIGKILL)

    def gets_power(self, *nodes):
        """They start."""
        self.world.mend()
        for node in nodes:
            node.start()


def tell(name, kind, result):
    """Progress."""
    text = "dup %d, refused %d, ran out %d, two answers %d + %d cut, silent %.1f s (at %.1f), without %d; ACKs %s"
    say(("%-12s %-12s " + text) % (
        name, kind.name, result["duplicates"], result["refused"], result["ran_out"], result["doubles"],
        result["doubles_cut"], result["silence_s"], result["silent_at_s"], result["without"], result["acks"]))
    if kind.name == "understudy":
        for line in result["told"][:40]:
            say("    " + line)
