"""A world of its own for one pair under faults: two servers and their clients on one link, and a wire between the
servers alone for what they say to each other. Each can be cut, without a word to anybody.

    clients a --+                      +-- clients b        eth0 and eth1 of host "c"
                +-- near     far ------+                    one bridge while all is well
    first ------+                      +-- second           eth0 of "s0" and "f"
      +-------------- beat ---------------+                 eth1 of "s0" and "f"
"""
import atexit
import itertools
import os
import subprocess
import sys

from hosts import INTERFACE, ip

HERE = os.path.dirname(os.path.abspath(__file__))
# On the clients' link, and on the wire between the servers.
FIRST, SECOND = "10.77.0.1", "10.77.0.3"
FIRST_BEAT, SECOND_BEAT = "10.78.0.1", "10.78.0.3"
CLIENTS_PREFIX, BEAT_PREFIX = "/16", "/24"
BEAT = "eth1"
# Servers and clients go before whatever else runs here, but not before the kernel's own threads: dhcpd spins for some
# time when it meets its partner, and in real-time priority no disk would work beside it.
PRIORITY = ["nice", "-n", "-10"]
ADDRESSES = {"s0": (FIRST, FIRST_BEAT), "f": (SECOND, SECOND_BEAT)}


class World:
    """The namespaces of one pair; also what a `Node` takes for its bench and wires."""

    numbers = itertools.count()

    def __init__(self, bench):
        self.bench, self.folder, self.keep = bench, bench.folder, bench.keep
        self.server_program, self.control_program = bench.server_program, bench.control_program
        self.wires = self
        self.prefix = "us-faults-%d-%d-" % (os.getpid(), next(self.numbers))
        cpus = sorted(os.sched_getaffinity(0))
        self.cpus = [str(cpus[0]), str(cpus[1 % len(cpus)])]
        atexit.register(self.remove)
        self.spaces = []
        self.space("b")
        for bridge in ("near", "far", "beat"):
            self.switch("link", "add", bridge, "type", "bridge", "forward_delay", "0", "mcast_snooping", "0")
            self.switch("link", "set", bridge, "up")
        for name, (address, beat) in ADDRESSES.items():
            self.space(name)
            self.wire(name, INTERFACE, "near", address + CLIENTS_PREFIX)
            self.wire(name, BEAT, "beat", beat + BEAT_PREFIX)
        self.space("c")
        for interface in (INTERFACE, BEAT):
            self.wire("c", interface, "near")

    def space(self, name):
        """A namespace more."""
        ip("netns", "add", self.prefix + name)
        self.spaces.append(name)
        self.inside(name, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1")
        ip("-n", self.prefix + name, "link", "set", "lo", "up")

    def inside(self, name, *command):
        """Runs a command in a namespace; it may fail where the kernel lacks what it sets."""
        subprocess.run(["ip", "netns", "exec", self.prefix + name, *command], check=False, stderr=subprocess.DEVNULL)

    def wire(self, name, interface, bridge, *addresses):
        """A wire from a host to a bridge."""
        ip("link", "add", interface, "netns", self.prefix + name, "type", "veth", "peer", "name",
           self.port(name, interface), "netns", self.prefix + "b")
        for address in addresses:
            ip("-n", self.prefix + name, "address", "add", address, "dev", interface)
        ip("-n", self.prefix + name, "link", "set", interface, "up")
        self.move(name, interface, bridge)
        self.switch("link", "set", self.port(name, interface), "up")

    @staticmethod
    def port(name, interface):
        """The other end of a wire."""
        return name + interface[-1]

    def switch(self, *words):
        """ip(8) among the bridges."""
        ip("-n", self.prefix + "b", *words)

    def move(self, name, interface, bridge):
        """Plugs a wire into a bridge."""
        self.switch("link", "set", self.port(name, interface), "master", bridge)

    def pull(self, name, interface):
        """Pulls a wire out; both ends still look whole."""
        self.switch("link", "set", self.port(name, interface), "nomaster")

    def cut_heartbeat(self):
        """The servers do not hear each other; all clients hear both."""
        self.pull("s0", BEAT)

    def part(self):
        """One half of the clients is left with the first, the other half with the second."""
        self.cut_heartbeat()
        self.move("f", INTERFACE, "far")
        self.move("c", BEAT, "far")

    def silence(self, name):
        """Nothing comes from a server any more, nor reaches it."""
        self.pull(name, INTERFACE)
        self.pull(name, BEAT)

    def mend(self):
        """All wires are whole again."""
        for name in ADDRESSES:
            self.move(name, INTERFACE, "near")
            self.move(name, BEAT, "beat")
        self.move("c", BEAT, "near")

    def on(self, name, command, cpu=0, first=PRIORITY):
        """`command` as it runs on that host and CPU."""
        return [*first, "ip", "netns", "exec", self.prefix + name, "taskset", "-c", self.cpus[cpu], *command]

    def script(self, name, *words):
        """A script of this folder, as it runs beside the clients."""
        return self.on("c", [sys.executable, "-B", os.path.join(HERE, name), *words], 1)

    def receive_buffer(self, octets):
        """Receive buffer of sockets that ask for nothing."""
        self.bench.settings.receive_buffer(octets)

    def remove(self):
        """Removes everything."""
        for name in self.spaces:
            if os.path.exists("/run/netns/" + self.prefix + name):
                ip("netns", "del", self.prefix + name)
        self.spaces = []
