"""The three pairs under faults: ours, Kea hot standby, ISC dhcpd failover. Each serves clients on its own link with
leases of 30 s, the first serving all while both are well, with the briskest timers that its kind lives on."""
import json
import os
import re
import shutil
import signal
import subprocess
import time

from pairs import BRISK, IscPair, KeaPair, Node, Understudy
from servers import Failed
from wires import run
from worlds import FIRST, FIRST_BEAT, SECOND, SECOND_BEAT
from hosts import INTERFACE

SUBNET, MASK, ROUTER = "10.77.0.0", "255.255.0.0", "10.77.0.254"
# Five addresses for each client, so that no server has to give one that its partner may have given: 1,024.
RANGE = ("10.77.4.0", "10.77.7.255")
LEASE, RENEWING, REBINDING = 30, 15, 26
# Time to find together.
PATIENCE = 180


class Contender:
    """A pair in a world. Subclasses say how it is configured and what tells that both are at rest."""

    name = title = ""

    def __init__(self, world):
        self.world = world
        self.first, self.second = Node(world, "s0", 0), Node(world, "f", 1)
        self.nodes = (self.first, self.second)
        self.configure()

    def configure(self):
        """Writes both configurations."""
        raise NotImplementedError

    def is_at_rest(self):
        """Whether the first serves and the second stands by."""
        raise NotImplementedError

    def is_returning(self, since):
        """Whether the second has said, behind octet `since` of its log, that it begins to give control back."""
        raise NotImplementedError

    def disk(self, node):
        """File or folder with the leases of a server."""
        raise NotImplementedError

    def start(self):
        """Starts both, and waits until they are at rest."""
        for node in self.nodes:
            node.start()
        ends = time.monotonic() + PATIENCE
        while not self.is_at_rest():
            for node in self.nodes:
                node.must_live()
            if time.monotonic() > ends:
                raise Failed("%s: no pair after %d s: %s" % (self.name, PATIENCE, self.second.said()[-300:]))
            time.sleep(0.1)

    def log(self):
        """Where the second says what it does."""
        return self.second.path("out")

    def logged(self, since):
        """What its log has behind octet `since`."""
        try:
            with open(self.log(), errors="replace") as f:
                f.seek(since)
                return f.read()
        except FileNotFoundError:
            return ""

    def log_octets(self):
        """Its length."""
        return os.path.getsize(self.log()) if os.path.exists(self.log()) else 0

    def save_disk(self, node):
        """Keeps a copy of the leases of a server that is stopped."""
        self.copy(self.disk(node), node.path("saved"))

    def restore_disk(self, node):
        """Puts the copy back."""
        self.lose_disk(node)
        self.copy(node.path("saved"), self.disk(node))

    def lose_disk(self, node):
        """Its leases are gone; what its kind needs to start again is there."""
        place = self.disk(node)
        if os.path.isdir(place):
            shutil.rmtree(place)
            os.mkdir(place)
        elif os.path.exists(place):
            os.unlink(place)

    @staticmethod
    def copy(source, target):
        """A file or folder."""
        if os.path.isdir(source):
            shutil.copytree(source, target, dirs_exist_ok=True)
        else:
            shutil.copy(source, target)

    def close(self):
        """Ends both, removes their folders."""
        for node in self.nodes:
            node.end(signal.SIGKILL)
            if not self.world.keep:
                shutil.rmtree(node.folder, ignore_errors=True)


class OurPair(Contender):
    """Ours; the failover gets its subnets from the primary."""

    name, title = Understudy.name, Understudy.title

    def configure(self):
        delay, wait, tries = Understudy.timings[BRISK]
        common = "FailoverKeyFile = %s\nPollDelay = %s\nWaitSyncBindAckSecs = 1\n"
        for node in self.nodes:
            node.write("key", "01" * 32 + "\n")
            node.command = [self.world.server_program, "-f", "-c", node.path("understudyd.ini")]
        self.first.write("understudyd.ini", self.server(self.first, FIRST, "Standalone/Primary") + (
            "[Failover]\nUseFailoverServer = True\nFailoverAddress = %s\nSecondaryIpAddr = %s\nWaitCtlRetSecs = 1\n" % (
                FIRST_BEAT, SECOND_BEAT)) + common % (self.first.path("key"), delay) + (
            "[Policy]\nDefaultLease = %d\n[Subnet %s/16]\nRange = %s - %s\nOption.routers = %s\n" % (
                LEASE, SUBNET, *RANGE, ROUTER)))
        self.second.write("understudyd.ini", self.server(self.second, SECOND, "Failover/Secondary") + (
            "[Primary p0]\nPrimaryIpAddr = %s\nFailoverAddress = %s\nWaitPollRplSecs = %s\nPollRetryMax = %d\n"
            "WaitSyncStartSecs = 1\n" % (FIRST_BEAT, SECOND_BEAT, wait, tries)) + common % (
                self.second.path("key"), delay))
        subprocess.run([*self.first.command[:1], "--new", *self.first.command[2:]], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    @staticmethod
    def server(node, address, kind):
        """Its [Server]."""
        os.mkdir(node.path("state"))
        return ("[Server]\nFailoverServerType = %s\nServerAddress = %s\nHostName = %s\nInterfaces = %s\nStateDir = %s\n"
                "ControlSocket = %s\nUser = root\n" % (
                    kind, address, node.name, INTERFACE, node.path("state"), node.path("control")))

    def is_at_rest(self):
        said = run([self.world.control_program, "--json", "-s", self.second.path("control"), "status"])
        partners = json.loads(said).get("partners", []) if said else []
        return [partner["state"] for partner in partners] == ["Asleep"]

    def is_returning(self, since):
        return "-> Returning" in self.logged(since)

    def disk(self, node):
        return node.path("state")


class KeaContender(Contender):
    """Kea 2.2."""

    name, title = KeaPair.name, KeaPair.title

    def configure(self):
        listing = run(["dpkg", "-L", "kea-common"]).split()
        hooks = [os.path.dirname(name) for name in listing if name.endswith("libdhcp_ha.so")]
        if not hooks:
            raise Failed("kea has no libdhcp_ha.so")
        for name, node in (("s1", self.first), ("s2", self.second)):
            relation = {"this-server-name": name, "mode": "hot-standby", **KeaPair.timings[BRISK],
                        "multi-threading": {"enable-multi-threading": True, "http-dedicated-listener": True,
                                            "http-listener-threads": 4, "http-client-threads": 4},
                        "peers": [{"name": "s1", "url": "http://%s:8000/" % FIRST_BEAT, "role": "primary"},
                                  {"name": "s2", "url": "http://%s:8000/" % SECOND_BEAT, "role": "standby"}]}
            node.write("kea.json", json.dumps({"Dhcp4": {
                "multi-threading": {"enable-multi-threading": True, "thread-pool-size": 1, "packet-queue-size": 64},
                "interfaces-config": {"interfaces": [INTERFACE], "dhcp-socket-type": "raw"},
                "lease-database": {"type": "memfile", "persist": True, "name": self.disk(node), "lfc-interval": 0},
                "valid-lifetime": LEASE, "renew-timer": RENEWING, "rebind-timer": REBINDING, "authoritative": True,
                "subnet4": [{"id": 1, "subnet": SUBNET + "/16", "pools": [{"pool": "%s - %s" % RANGE}],
                             "option-data": [{"name": "routers", "data": ROUTER}]}],
                "hooks-libraries": [
                    {"library": hooks[0] + "/libdhcp_lease_cmds.so"},
                    {"library": hooks[0] + "/libdhcp_ha.so", "parameters": {"high-availability": [relation]}}],
                "loggers": [{"name": "kea-dhcp4", "severity": "INFO",
                             "output_options": [{"output": node.path("log"), "flush": True}]}]}}))
            node.command = ["kea-dhcp4", "-c", node.path("kea.json")]
            node.environment = {"KEA_PIDFILE_DIR": node.folder, "KEA_LOCKFILE_DIR": node.folder,
                                "KEA_LOGGER_DESTINATION": "stdout"}

    def is_at_rest(self):
        question = ("import json,urllib.request as u;print(json.loads(u.urlopen(u.Request('http://%s:8000/',"
                    "b'{\"command\":\"ha-heartbeat\",\"service\":[\"dhcp4\"]}',{'Content-Type':'application/json'}),"
                    "timeout=2).read())[0]['arguments']['state'])")
        return all(run(self.world.on("f", ["python3", "-c", question % address], 1, [])).strip() == "hot-standby"
                   for address in (FIRST_BEAT, SECOND_BEAT))

    def log(self):
        return self.second.path("log")

    def is_returning(self, since):
        return "'dhcp-disable'" in self.logged(since)

    def disk(self, node):
        return node.path("leases.csv")


class IscContender(Contender):
    """ISC dhcpd 4.4."""

    name, title = IscPair.name, IscPair.title

    def configure(self):
        for role, node, address, other in (("primary", self.first, FIRST_BEAT, SECOND_BEAT),
                                           ("secondary", self.second, SECOND_BEAT, FIRST_BEAT)):
            mine = "mclt %d; split 255;" % LEASE if role == "primary" else ""
            node.write("dhcpd.conf", """
default-lease-time %d; max-lease-time %d; min-lease-time %d; authoritative; ddns-update-style none;
option dhcp-renewal-time %d; option dhcp-rebinding-time %d; dhcp-cache-threshold 0; ping-check %s;
failover peer "pair" { %s; address %s; port 647; peer address %s; peer port 647;
  max-response-delay %d; max-unacked-updates 10; load balance max seconds 3; %s }
subnet %s netmask %s { option routers %s; pool { failover peer "pair"; range %s %s; } }
""" % (LEASE, LEASE, LEASE, RENEWING, REBINDING, "true" if self.world.bench.echo else "false", role, address, other,
                IscPair.timings[BRISK], mine, SUBNET, MASK, ROUTER, *RANGE))
            node.write("dhcpd.leases", "")
            node.command = ["dhcpd", "-f", "-d", "-4", "--no-pid", "-cf", node.path("dhcpd.conf"),
                            "-lf", self.disk(node), INTERFACE]

    def is_at_rest(self):
        return all(re.findall(r"I move from (?:[\w-]+) to ([\w-]+)", node.said())[-1:] == ["normal"] and
                   "pool " in node.said() for node in self.nodes)

    def is_returning(self, since):
        return "peer moves from" in self.logged(since)

    def disk(self, node):
        return node.path("dhcpd.leases")

    def lose_disk(self, node):
        super().lose_disk(node)
        node.write("dhcpd.leases", "")


ALL = (OurPair, KeaContender, IscContender)
