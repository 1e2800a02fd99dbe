"""The two hosts of the bench: network namespaces of our own, joined by a veth pair, and what the machine is doing.

Every namespace is new, named after this process, and goes when the run ends. Kernel settings that are not a
namespace's own are put back to what they were."""
import atexit
import fcntl
import os
import signal
import subprocess
import sys
import time

SERVER_ADDRESS = "10.77.0.1"
RELAY_ADDRESS = "10.77.0.2"
INTERFACE = "eth0"
# What a stock kernel gives a socket that asks for nothing: servers start under it.
STOCK_RECEIVE_BUFFER = 212992
# perfdhcp asks for nothing either, and its losses would be counted against the server.
CLIENT_RECEIVE_BUFFER = 4 << 20
# Packets between the two ends of the veth pair; 1000 would drop bursts that no wire drops.
BACKLOG = 20000
# Servers and generators go before whatever else runs on the machine, all alike: real-time, round robin.
# Where the system does not allow that, as they are.
REAL_TIME = ["chrt", "--rr", "1"]
ALLOWED = subprocess.run([*REAL_TIME, "true"], stderr=subprocess.DEVNULL, check=False).returncode == 0
PRIORITY = REAL_TIME if ALLOWED else []
# Before the servers where they share a CPU: a client that is not run measures nothing.
FIRST_PRIORITY = ["chrt", "--rr", "2"] if ALLOWED else []
LOCK = "/run/lock/understudy-bench"


class Settings:
    """Kernel settings of a bench. At most one on a machine at a time: two benches measure each other."""

    def __init__(self):
        self.lock = open(LOCK, "w")
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SystemExit("bench: another bench is running (%s is locked)" % LOCK)
        self.saved = {}
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, lambda *_: sys.exit(130))

    def sysctl(self, name, value):
        """Sets a kernel setting and remembers what it was."""
        path = "/proc/sys/" + name.replace(".", "/")
        with open(path) as f:
            self.saved.setdefault(path, f.read())
        with open(path, "w") as f:
            f.write(str(value))

    def receive_buffer(self, octets):
        """Receive buffer of sockets made from now on that ask for nothing."""
        self.sysctl("net.core.rmem_default", octets)

    def restore(self):
        """Puts the settings back."""
        for path, value in self.saved.items():
            with open(path, "w") as f:
                f.write(value)
        self.saved = {}


class Hosts(Settings):
    """The server's and the client's host."""

    def __init__(self):
        super().__init__()
        self.server = "us-bench-%d-s" % os.getpid()
        self.client = "us-bench-%d-c" % os.getpid()
        cpus = sorted(os.sched_getaffinity(0))
        # one CPU each, where there are two
        self.server_cpu = str(cpus[0])
        self.client_cpu = str(cpus[1 % len(cpus)])
        atexit.register(self.remove)
        self.sysctl("net.core.netdev_max_backlog", BACKLOG)
        for name in (self.server, self.client):
            ip("netns", "add", name)
        ip("link", "add", INTERFACE, "netns", self.server, "type", "veth", "peer", "name", INTERFACE,
           "netns", self.client)
        for name, address in ((self.server, SERVER_ADDRESS), (self.client, RELAY_ADDRESS)):
            ip("-n", name, "address", "add", address + "/10", "dev", INTERFACE)
            ip("-n", name, "link", "set", "lo", "up")
            ip("-n", name, "link", "set", INTERFACE, "txqueuelen", "10000", "up")

    def on_server(self, command):
        """`command` as it runs on the server's host and CPU."""
        return [*PRIORITY, "ip", "netns", "exec", self.server, "taskset", "-c", self.server_cpu, *command]

    def on_client(self, command):
        """`command` as it runs on the client's host and CPU."""
        return [*PRIORITY, "ip", "netns", "exec", self.client, "taskset", "-c", self.client_cpu, *command]

    def remove(self):
        """Removes the namespaces, puts the settings back."""
        for name in (self.server, self.client):
            if os.path.exists("/run/netns/" + name):
                ip("netns", "del", name)
        self.restore()


def ip(*arguments):
    """Runs ip(8)."""
    subprocess.run(["ip", *arguments], check=True)


class Steal:
    """Share of all CPU time that the hypervisor, and other programs, took since the start."""

    def __init__(self):
        self.start = self.ticks()

    @staticmethod
    def ticks():
        """Ticks of all CPUs: stolen, idle, all."""
        with open("/proc/stat") as f:
            fields = [int(x) for x in f.readline().split()[1:9]]
        return fields[7], fields[3] + fields[4], sum(fields)

    def stolen(self):
        """Per cent stolen by the hypervisor."""
        now = self.ticks()
        return 100.0 * (now[0] - self.start[0]) / max(1, now[2] - self.start[2])


def sync_micros(folder, count=200):
    """Median and 99th percentile in microseconds of 4096 octets and fdatasync into a file written once before."""
    path = os.path.join(folder, "sync")
    block = b"x" * 4096
    delays = []
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        os.write(fd, block * count)
        os.fsync(fd)
        os.lseek(fd, 0, os.SEEK_SET)
        for _ in range(count):
            start = time.monotonic()
            os.write(fd, block)
            os.fdatasync(fd)
            delays.append(1e6 * (time.monotonic() - start))
    finally:
        os.close(fd)
        os.unlink(path)
    delays.sort()
    return delays[count // 2], delays[count * 99 // 100]


def conditions(folder, priority="real-time priority" if PRIORITY else "common priority"):
    """One line on the machine; `priority` is that of servers and clients."""
    model = "unknown CPU"
    with open("/proc/cpuinfo") as f:
        for line in f:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    kind = subprocess.run(["stat", "-f", "-c", "%T", folder], stdout=subprocess.PIPE, text=True, check=True)
    half, most = sync_micros(folder)
    return "Linux %s, %d CPUs (%s), %s, %s on %s, write + fdatasync of 4 KiB %.0f us (p99 %.0f us)" % (
        os.uname().release, os.cpu_count(), model, priority, folder,
        kind.stdout.strip(), half, most)
