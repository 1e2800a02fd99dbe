"""The pairs under test: ours, Kea hot standby (libdhcp_ha), ISC dhcpd failover; and two servers of a pair.

Each serves 10.64.0.0/10 with addresses from 10.80.0.0 on (ISC: 16,384 of them), lease time 3600 s, no conflict probe,
logging of errors only, the first server serving all while both are well. The second may serve for several firsts (ours
only)."""
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

import leases
from hosts import INTERFACE, STOCK_RECEIVE_BUFFER
from servers import Failed, Isc, Kea
from wires import run

FIRST, SECOND, RELAY = "10.77.0.1", "10.77.0.3", "10.77.0.2"
# How briskly a silence is noticed; `brisk` is the briskest that a pair of its kind is known to live on.
BRISK, SAMPLE, DEFAULT = "brisk", "sample", "default"
# dhcpd spins for half a minute when it meets its partner. In real-time priority that keeps the kernel's threads from
# its disk, and the pair is not ready after minutes.
NOT_REAL_TIME = ["nice", "-n", "-20"]
# It splits its free addresses with its partner one by one, each with its write to the disk, before it is at rest.
ISC_ADDRESSES = 16384
# A subnet of the return; so many leases stand in each.
SUBNET_ADDRESSES = 1024


class Node:
    """One server: its folder, its host, its process."""

    def __init__(self, bench, name, cpu):
        self.bench, self.name, self.cpu = bench, name, cpu
        self.folder = tempfile.mkdtemp(prefix=name + "-", dir=bench.folder)
        self.process = None
        self.command, self.environment = [], {}
        # words before the command; none: as all other servers of the run
        self.priority = None

    def path(self, name):
        """A file in its folder."""
        return os.path.join(self.folder, name)

    def write(self, name, text):
        """Writes a file into its folder."""
        with open(self.path(name), "w") as f:
            f.write(text)

    def start(self):
        """Starts it, and waits for nothing; the time of the start."""
        self.bench.wires.receive_buffer(STOCK_RECEIVE_BUFFER)
        began = time.monotonic()
        first = [] if self.priority is None else [self.priority]
        with open(self.path("out"), "ab") as out:
            self.process = subprocess.Popen(
                self.bench.wires.on(self.name, self.command, self.cpu, *first), cwd=self.folder,
                stdin=subprocess.DEVNULL, env={**os.environ, **self.environment}, stdout=out,
                stderr=subprocess.STDOUT, start_new_session=True)
        return began

    def end(self, number=signal.SIGTERM):
        """Ends it and waits; the time of the signal."""
        at = time.monotonic()
        if self.process and self.process.poll() is None:
            os.kill(self.process.pid, number)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                os.kill(self.process.pid, signal.SIGKILL)
                self.process.wait()
        return at

    def must_live(self):
        """Fails with what it printed when it has ended by itself."""
        if self.process.poll() is not None:
            raise Failed("%s ended: %s" % (self.name, self.said()[-500:]))

    def said(self):
        """What it printed."""
        with open(self.path("out"), errors="replace") as f:
            return f.read()

    def cpu_seconds(self):
        """CPU time of all its threads."""
        total = 0
        tasks = "/proc/%d/task" % self.process.pid
        for task in os.listdir(tasks):
            with open("%s/%s/schedstat" % (tasks, task)) as f:
                total += int(f.read().split()[0])
        return total / 1e9


class Pair:
    """One or more firsts and a second; `alone`: the first as if there were no second, which is not started.

    Subclasses say how they are configured and when they are at rest."""

    name = title = ""
    # Whether `fill` can write leases.
    is_filled = True

    def __init__(self, bench, timers=BRISK, firsts=(FIRST,), subnets=0, alone=False):
        self.bench, self.timers, self.addresses, self.subnets, self.alone = bench, timers, firsts, subnets, alone
        bench.wires.unplug()
        self.relays = [RELAY] if len(firsts) == 1 else ["10.%d.0.1" % (128 + i) for i in range(len(firsts))]
        bench.wires.plug("c", *dict.fromkeys([RELAY, *self.relays]))
        self.firsts = []
        for number, address in enumerate(firsts):
            bench.wires.plug("s%d" % number, address)
            self.firsts.append(Node(bench, "s%d" % number, 0))
        bench.wires.plug("f", SECOND)
        self.first = self.firsts[0]
        self.second = Node(bench, "f", 1)
        self.configure()

    def configure(self):
        """Writes both configurations."""
        raise NotImplementedError

    def fill(self, count, second=False):
        """Writes `count` leases into the first's store; `second`: into the other's too, where the pair would not copy
        them by itself before it is at rest."""
        raise Failed("%s: no leases can be written ahead" % self.name)

    def is_at_rest(self):
        """Whether the first serves and the second stands by, with nothing left to tell each other."""
        raise NotImplementedError

    def start(self, patience=120):
        """Starts both and waits until they are at rest; alone, until it answers."""
        if self.alone:
            self.first.start()
            self.serves(20)
            return
        for node in (*self.firsts, self.second):
            node.start()
        self.rest(patience)

    def rest(self, patience=120):
        """Waits until they are at rest; the time when they were."""
        ends = time.monotonic() + patience
        while not self.is_at_rest():
            for node in (*self.firsts, self.second):
                node.must_live()
            if time.monotonic() > ends:
                raise Failed("%s: no pair after %d s: %s" % (self.name, patience, self.second.said()[-300:]))
            time.sleep(0.02)
        return time.monotonic()

    def serves(self, patience):
        """Waits until the first answers."""
        if not run(self.bench.load("probe", "--seconds", patience)):
            raise Failed("%s: no OFFER: %s" % (self.name, self.first.said()[-300:]))

    def blackout(self):
        """Milliseconds in which the subnet that was silent longest was silent in a return; None when nobody says."""
        return None

    def targets(self):
        """For each relay the servers that it forwards to."""
        return ",".join("%s+%s" % (address, SECOND) for address in self.addresses)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for node in (*self.firsts, self.second):
            node.end(signal.SIGKILL)
            if not self.bench.keep:
                shutil.rmtree(node.folder, ignore_errors=True)
        self.bench.wires.unplug()


class Understudy(Pair):
    """Ours."""

    name = "understudy"
    title = "understudy"
    timings = {BRISK: (0.2, 0.2, 2), SAMPLE: (1, 1, 3), DEFAULT: (60, 5, 3)}

    def configure(self):
        delay, wait, tries = self.timings[self.timers]
        second = self.head(self.second, SECOND, "Failover/Secondary")
        for number, node in enumerate(self.firsts):
            node.write("key", "%02x" % (number + 1) * 32 + "\n")
            node.write("subnets.ini", "[Policy]\nDefaultLease = 3600\n" + self.subnets_text(number))
            failover = "UseFailoverServer = %s\nSecondaryIpAddr = %s\nWaitCtlRetSecs = 1\n" % (not self.alone, SECOND)
            keys = "FailoverKeyFile = %s\nPollDelay = %s\nWaitSyncBindAckSecs = 1\n" % (node.path("key"), delay)
            node.write("understudyd.ini", self.head(node, self.addresses[number], "Standalone/Primary") +
                       "[Failover]\n" + failover + keys + "[Policy]\nDefaultLease = 3600\n" + self.subnets_text(number))
            second += ("[Primary p%d]\nPrimaryIpAddr = %s\nWaitPollRplSecs = %s\nPollRetryMax = %d\n"
                       "SubnetsFile = %s\nWaitSyncStartSecs = 1\n" % (number, self.addresses[number], wait, tries,
                                                                     node.path("subnets.ini"))) + keys
        self.second.write("understudyd.ini", second)
        for node in (*self.firsts, self.second):
            node.command = [self.bench.server_program, "-f", "-c", node.path("understudyd.ini")]
        for node in self.firsts:
            subprocess.run([self.bench.server_program, "--new", "-c", node.path("understudyd.ini")], check=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    @staticmethod
    def head(node, address, kind):
        """Its [Server]."""
        os.mkdir(node.path("state"))
        return ("[Server]\nFailoverServerType = %s\nServerAddress = %s\nHostName = %s\nInterfaces = %s\nStateDir = %s\n"
                "ControlSocket = %s\nUser = root\nLogLevel = %s\n" % (
                    kind, address, node.name, INTERFACE, node.path("state"), node.path("control"),
                    "info" if kind.startswith("Failover") else "error"))

    def subnets_text(self, number):
        """The subnets of one first."""
        if len(self.firsts) > 1:
            return "[Subnet 10.%d.0.0/16]\nRange = 10.%d.1.0 - 10.%d.8.255\n" % ((128 + number,) * 3)
        if not self.subnets:
            return ("[Subnet 10.64.0.0/10]\nRange = 10.80.0.0 - 10.95.255.255\nOption.routers = %s\n" % RELAY)
        text = "[Subnet 10.77.0.0/24]\nSharedNetwork = all\n"
        for i in range(self.subnets):
            first = leases.FIRST + SUBNET_ADDRESSES * i
            text += "[Subnet %s/22]\nSharedNetwork = all\nRange = %s - %s\n" % (
                leases.dotted(first), leases.dotted(first + 1), leases.dotted(first + SUBNET_ADDRESSES - 2))
        return text

    def fill(self, count, second=False):
        folder = self.first.path("state")
        shutil.rmtree(folder)
        os.mkdir(folder)
        leases.understudy(self.bench, folder, count)

    def control(self, node, *words):
        """What understudyctl says, as an object; empty when it fails."""
        text = run([self.bench.control_program, "--json", "-s", node.path("control"), *words])
        return json.loads(text) if text else {}

    def states(self):
        """The state of each channel, as the second sees it."""
        partners = self.control(self.second, "status").get("partners", [])
        return [partner["state"] for partner in partners]

    def blackout(self):
        found = re.findall(r"longest blackout (\d+) ms", self.second.said())
        return float(found[-1]) if found else None

    def is_at_rest(self):
        states = self.states()
        return len(states) == len(self.firsts) and set(states) == {"Asleep"}


class KeaPair(Pair):
    """Kea 2.2, hot standby, memfile, four HTTP threads each way."""

    name = "kea"
    title = "Kea hot standby"
    timings = {BRISK: {"heartbeat-delay": 500, "max-response-delay": 1500, "max-ack-delay": 500,
                       "max-unacked-clients": 0}, DEFAULT: {}}

    def configure(self):
        listing = run(["dpkg", "-L", "kea-common"]).split()
        hooks = [os.path.dirname(name) for name in listing if name.endswith("libdhcp_ha.so")]
        if not hooks:
            raise Failed("kea has no libdhcp_ha.so")
        for name, node in (("s1", self.first), ("s2", self.second)):
            relation = {"this-server-name": name, "mode": "hot-standby", **self.timings[self.timers],
                        "multi-threading": {"enable-multi-threading": True, "http-dedicated-listener": True,
                                            "http-listener-threads": 4, "http-client-threads": 4},
                        "peers": [{"name": "s1", "url": "http://%s:8000/" % FIRST, "role": "primary"},
                                  {"name": "s2", "url": "http://%s:8000/" % SECOND, "role": "standby"}]}
            common = Kea.settings(node.path("leases.csv"), node.path("log"))
            common["multi-threading"] = {"enable-multi-threading": True, "thread-pool-size": 1,
                                         "packet-queue-size": 64}
            if not self.alone:
                common["hooks-libraries"] = [
                    {"library": hooks[0] + "/libdhcp_lease_cmds.so"},
                    {"library": hooks[0] + "/libdhcp_ha.so", "parameters": {"high-availability": [relation]}}]
            node.write("kea.json", json.dumps({"Dhcp4": common}))
            node.command = ["kea-dhcp4", "-c", node.path("kea.json")]
            node.environment = {"KEA_PIDFILE_DIR": node.folder, "KEA_LOCKFILE_DIR": node.folder,
                                "KEA_LOGGER_DESTINATION": "stdout"}

    def fill(self, count, second=False):
        leases.kea(self.first.path("leases.csv"), count)
        if second:
            shutil.copy(self.first.path("leases.csv"), self.second.path("leases.csv"))

    def is_at_rest(self):
        question = ("import json,urllib.request as u;print(json.loads(u.urlopen(u.Request('http://%s:8000/',"
                    "b'{\"command\":\"ha-heartbeat\",\"service\":[\"dhcp4\"]}',{'Content-Type':'application/json'}),"
                    "timeout=2).read())[0]['arguments']['state'])")
        return all(run(self.bench.wires.on("c", ["python3", "-c", question % address], 1, [])).strip() ==
                   "hot-standby" for address in (FIRST, SECOND))


class IscPair(Pair):
    """ISC dhcpd failover, all addresses the primary's (split 255)."""

    name = "isc"
    title = "ISC failover"
    # A lease file with the states of a failover is not written here.
    is_filled = False
    timings = {BRISK: 2, DEFAULT: 30}

    def configure(self):
        self.sizes, self.since = None, 0.0
        for role, node, address, other in (("primary", self.first, FIRST, SECOND),
                                           ("secondary", self.second, SECOND, FIRST)):
            mine = "mclt 1800; split 255;" if role == "primary" else ""
            peer = ('failover peer "pair" { %s; address %s; port 647; peer address %s; peer port 647; '
                    "max-response-delay %d; max-unacked-updates 100; load balance max seconds 3; %s }" % (
                        role, address, other, self.timings[self.timers], mine))
            settings = ("", "") if self.alone else (peer, 'failover peer "pair";')
            node.write("dhcpd.conf", Isc.settings(ISC_ADDRESSES, *settings))
            node.write("dhcpd.leases", "")
            node.priority = NOT_REAL_TIME
            node.command = ["dhcpd", "-f", "-4", "-q", "--no-pid", "-cf", node.path("dhcpd.conf"),
                            "-lf", node.path("dhcpd.leases"), INTERFACE]

    def is_at_rest(self):
        # until the two have split the free addresses between them: their files stay as they are for 4 s
        sizes = [os.path.getsize(node.path("dhcpd.leases")) for node in (self.first, self.second)]
        if sizes != self.sizes:
            self.sizes, self.since = sizes, time.monotonic()
        return min(sizes) > 100000 and time.monotonic() - self.since > 4


ALL = (Understudy, KeaPair, IscPair)
