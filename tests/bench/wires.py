"""Hosts on one bridge: namespaces of our own, each with one wire that can be cut."""
import atexit
import os
import subprocess

from hosts import BACKLOG, FIRST_PRIORITY, INTERFACE, PRIORITY, Settings, ip

# All addresses of the bench are on the wire itself, so that no host needs a route.
PREFIX = "/8"


class Wires(Settings):
    """A bridge and the hosts that are plugged in."""

    def __init__(self):
        super().__init__()
        self.bridge = "us-pair-%d-b" % os.getpid()
        self.plugged = {}
        # a namespace goes some time after its removal, and its wire with it: no port's name is used twice
        self.ports = 0
        cpus = sorted(os.sched_getaffinity(0))
        self.cpus = [str(cpus[0]), str(cpus[1 % len(cpus)])]
        atexit.register(self.remove)
        self.sysctl("net.core.netdev_max_backlog", BACKLOG)
        ip("netns", "add", self.bridge)
        ip("-n", self.bridge, "link", "add", "bridge", "type", "bridge", "forward_delay", "0", "mcast_snooping", "0")
        ip("-n", self.bridge, "link", "set", "bridge", "up")

    def plug(self, name, *addresses):
        """A host more; `name` is what the others call it by."""
        space = "us-pair-%d-%s" % (os.getpid(), name)
        port = "p%d" % self.ports
        self.ports += 1
        self.plugged[name] = (space, port)
        ip("netns", "add", space)
        ip("link", "add", INTERFACE, "netns", space, "type", "veth", "peer", "name", port, "netns", self.bridge)
        for address in addresses:
            ip("-n", space, "address", "add", address + PREFIX, "dev", INTERFACE)
        ip("-n", space, "link", "set", "lo", "up")
        ip("-n", space, "link", "set", INTERFACE, "txqueuelen", "10000", "up")
        ip("-n", self.bridge, "link", "set", port, "master", "bridge", "up")

    def cut(self, name):
        """Nothing comes from that host any more, nor reaches it."""
        ip("-n", self.bridge, "link", "set", self.plugged[name][1], "nomaster")

    def mend(self, name):
        """The wire is whole again."""
        ip("-n", self.bridge, "link", "set", self.plugged[name][1], "master", "bridge")

    def on(self, name, command, cpu=0, first=PRIORITY):
        """`command` as it runs on that host and CPU, by default before whatever else the machine does."""
        return [*first, "ip", "netns", "exec", self.plugged[name][0], "taskset", "-c", self.cpus[cpu], *command]

    def unplug(self):
        """Removes all hosts; the bridge stays."""
        for space, _ in self.plugged.values():
            if os.path.exists("/run/netns/" + space):
                ip("netns", "del", space)
        self.plugged = {}

    def remove(self):
        """Removes everything, puts the settings back."""
        self.unplug()
        if os.path.exists("/run/netns/" + self.bridge):
            ip("netns", "del", self.bridge)
        self.restore()


def run(command):
    """What a command prints; empty when it fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    return done.stdout if done.returncode == 0 else ""
