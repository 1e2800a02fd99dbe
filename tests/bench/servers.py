"""The servers under test: ours, Kea (memfile, one thread), ISC dhcpd (one fsync an ACK, and delayed-ack).

Each serves 10.64.0.0/10 with addresses from 10.80.0.0 on, router 10.77.0.2, lease time 3600 s, no conflict probe,
logging of errors only. A server starts in a folder of its own, empty or with leases written before."""
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time

from hosts import INTERFACE, RELAY_ADDRESS, SERVER_ADDRESS, STOCK_RECEIVE_BUFFER
import leases

SYNCS = ("fsync", "fdatasync", "sync_file_range", "msync", "syncfs", "sync")
SENDS = ("sendto", "sendmsg", "sendmmsg")
WRITES = ("write", "pwrite64", "writev", "pwritev", "pwritev2")
POOL = 1024


class Failed(Exception):
    """A server did not start or a tool gave no result."""


class Server:
    """One start of one server. Subclasses say how it is configured and started."""

    name = title = program = ""
    lease_files = ()

    def __init__(self, bench, addresses=131072):
        self.bench = bench
        self.addresses = addresses
        self.folder = tempfile.mkdtemp(prefix=self.name + "-", dir=bench.folder)
        self.process = None
        self.wrap = []
        self.configure()

    def path(self, name):
        """A file in the server's folder."""
        return os.path.join(self.folder, name)

    def write(self, name, text):
        """Writes a file into the server's folder."""
        with open(self.path(name), "w") as f:
            f.write(text)

    def start(self, patience=120.0):
        """Starts it; seconds from exec to the first OFFER."""
        self.bench.hosts.receive_buffer(STOCK_RECEIVE_BUFFER)
        probe = subprocess.Popen(self.bench.load("probe", "--seconds", patience), stdout=subprocess.PIPE,
                                 stderr=subprocess.DEVNULL, text=True)
        # The probe is about before the server is.
        time.sleep(0.05)
        environment = {**os.environ, **self.environment()}
        began = time.monotonic()
        with open(self.path("out"), "ab") as out:
            self.process = subprocess.Popen(
                self.bench.hosts.on_server([*self.wrap, *self.command()]), cwd=self.folder, env=environment,
                stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
        while probe.poll() is None and self.process.poll() is None:
            time.sleep(0.005)
        if probe.poll() is None:
            probe.terminate()
        answer = probe.communicate()[0]
        if not answer:
            with open(self.path("out"), errors="replace") as f:
                tail = f.read()[-500:]
            self.clean()
            raise Failed("%s gives no OFFER: %s" % (self.name, tail.strip() or "it prints nothing"))
        return json.loads(answer)["offer_at"] - began

    def pid(self):
        """The server's own process, below strace if there is one."""
        pid = self.process.pid
        if self.wrap:
            with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
                children = f.read().split()
            if children:
                return int(children[0])
        return pid

    def resident(self):
        """Resident memory in octets."""
        with open("/proc/%d/status" % self.pid()) as f:
            for line in f:
                if line.startswith("VmRSS"):
                    return 1024 * int(line.split()[1])
        return 0

    def cpu_seconds(self):
        """CPU time of all its threads."""
        total = 0
        tasks = "/proc/%d/task" % self.pid()
        for task in os.listdir(tasks):
            with open("%s/%s/schedstat" % (tasks, task)) as f:
                total += int(f.read().split()[0])
        return total / 1e9

    def stored(self):
        """Octets of its lease files; room prepared ahead counts."""
        total = 0
        for folder, _, names in os.walk(self.folder):
            total += sum(os.path.getsize(os.path.join(folder, n)) for n in names if self.is_lease_file(n))
        return total

    def is_lease_file(self, name):
        """Whether a file of the folder holds leases."""
        return name in self.lease_files

    def stop(self, number=signal.SIGTERM):
        """Ends it and waits."""
        if self.process is None:
            return
        if self.process.poll() is None:
            os.kill(self.pid(), number)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                os.kill(self.pid(), signal.SIGKILL)
                self.process.wait()

    def clean(self):
        """Ends it and removes its folder."""
        self.stop(signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.clean()

    def environment(self):
        """Variables that the server needs."""
        return {}

    def configure(self):
        """Writes the configuration."""
        raise NotImplementedError

    def command(self):
        """The command that runs it in the foreground."""
        raise NotImplementedError

    def write_leases(self, count):
        """Writes lease files with `count` leases, as after a stop."""
        raise NotImplementedError


class Understudy(Server):
    """Ours: fdatasync before each ACK, one for all ACKs of a turn."""

    name = "understudy"
    title = "understudy"

    def configure(self):
        os.mkdir(self.path("state"))
        self.write("understudyd.ini", """
[Server]
Interfaces = %s
StateDir = %s
ControlSocket = %s
User = root
LogLevel = error
[Policy]
DefaultLease = 3600
[Subnet 10.64.0.0/10]
Range = 10.80.0.0 - 10.95.255.255
Option.routers = %s
""" % (INTERFACE, self.path("state"), self.path("control"), RELAY_ADDRESS))

    def command(self):
        return [self.bench.server_program, "-f", "-c", self.path("understudyd.ini")]

    def is_lease_file(self, name):
        return os.path.exists(os.path.join(self.path("state"), name))

    def write_leases(self, count):
        leases.understudy(self.bench, self.path("state"), count)


class Kea(Server):
    """Kea with its memfile backend and one thread; its lease file is written, never synced."""

    name = "kea"
    title = "Kea memfile"
    program = "kea-dhcp4"
    lease_files = ("leases.csv",)

    def configure(self):
        self.write("kea.json", json.dumps({"Dhcp4": self.settings(self.path("leases.csv"), self.path("log"))}))

    @staticmethod
    def settings(lease_file, log):
        """What stands under Dhcp4."""
        return {
            "multi-threading": {"enable-multi-threading": False},
            "interfaces-config": {"interfaces": [INTERFACE], "dhcp-socket-type": "udp"},
            "lease-database": {"type": "memfile", "persist": True, "name": lease_file, "lfc-interval": 0},
            "valid-lifetime": 3600, "renew-timer": 1800, "rebind-timer": 3150,
            "subnet4": [{"id": 1, "subnet": "10.64.0.0/10", "pools": [{"pool": "10.80.0.0 - 10.95.255.255"}],
                         "option-data": [{"name": "routers", "data": RELAY_ADDRESS}]}],
            "loggers": [{"name": "kea-dhcp4", "severity": "WARN", "output_options": [{"output": log}]}]}

    def environment(self):
        return {"KEA_PIDFILE_DIR": self.folder, "KEA_LOCKFILE_DIR": self.folder, "KEA_LOGGER_DESTINATION": "stdout"}

    def command(self):
        return ["kea-dhcp4", "-c", self.path("kea.json")]

    def write_leases(self, count):
        leases.kea(self.path("leases.csv"), count)


class Isc(Server):
    """ISC dhcpd with one fsync an ACK, its default."""

    name = "isc"
    title = "ISC fsync/ACK"
    program = "dhcpd"
    lease_files = ("dhcpd.leases",)
    extra = ""

    def configure(self):
        self.write("dhcpd.conf", self.settings(self.addresses, self.extra))
        self.write("dhcpd.leases", "")

    @staticmethod
    def settings(addresses, extra, of_pools=""):
        """A dhcpd.conf(5); `of_pools` stands in every pool."""
        pools = -(-addresses // POOL)
        lines = ["default-lease-time 3600;", "max-lease-time 3600;", "min-lease-time 3600;", "authoritative;",
                 "ping-check false;", "ddns-update-style none;",
                 # else a renewal in the first quarter of a lease is answered from memory
                 "dhcp-cache-threshold 0;", extra]
        # dhcpd joins pools of equal permit lists into one list, which it walks for every lease (31 exchanges a
        # second); a class of its own for each, matched by nobody, keeps them apart.
        lines += ['class "c%d" { match if false; }' % i for i in range(pools)]
        lines += ["subnet 10.64.0.0 netmask 255.192.0.0 {", "option routers %s;" % RELAY_ADDRESS]
        for i in range(pools):
            first = 0x0A500000 + POOL * i
            lines.append('pool { %s range %s %s; deny members of "c%d"; }' % (
                of_pools, leases.dotted(first), leases.dotted(first + POOL - 1), i))
        return "\n".join(lines + ["}", ""])

    def command(self):
        return ["dhcpd", "-f", "-4", "-q", "--no-pid", "-cf", self.path("dhcpd.conf"),
                "-lf", self.path("dhcpd.leases"), INTERFACE]

    def write_leases(self, count):
        leases.isc(self.path("dhcpd.leases"), count)


class IscDelayed(Isc):
    """ISC dhcpd with one fsync for up to 28 ACKs or 10 ms."""

    name = "isc-delayed"
    title = "ISC delayed-ack"
    extra = "delayed-ack 28; max-ack-delay 10000;"


ALL = (Understudy, Kea, Isc, IscDelayed)
ADDRESS = SERVER_ADDRESS
