#!/usr/bin/env python3
"""Clients behind relays that forward to every server of a pair: new ones, and renewals of leases held before.

    crowd.py --relays ADDRESS,... --servers ADDRESS+ADDRESS,... [--new RATE] [--renew RATE --leases FILE] --out FILE

One list of servers a relay. A client repeats its message every second, with its `secs`, until it is answered. The
program ends at SIGTERM, and after a second more for answers under way writes one JSON row a request: kind (new,
renewal), relay, seconds of CLOCK_MONOTONIC at its begin and at its ACK (null: none), who answered, how many messages
were repeated, the address, seconds of the lease, refusals. A line on stdout tells whenever another server answers."""
import argparse
import collections
import json
import random
import select
import signal
import socket
import struct
import sys
import time

DISCOVER, OFFER, REQUEST, ACK, NAK = 1, 2, 3, 5, 6
# A client's patience for an answer; RFC 2131 says 4 s, relayed renewals 60 s.
REPEAT = 1.0
# Repetitions of a REQUEST for an offer before the client starts over.
OFFER_PATIENCE = 3
# Answers count so long after the end.
LINGER = 1.0
RECEIVE_BUFFER = 4 << 20
# The longest sleep.
NAP = 0.002


class Request:
    """What one client wants now."""

    __slots__ = ("kind", "relay", "began", "hardware", "held", "offer", "offered", "tries", "repeats",
                 "refused")

    def __init__(self, kind, relay, began, hardware, held=None):
        self.kind, self.relay, self.began, self.hardware, self.held = kind, relay, began, hardware, held
        self.offer = None
        self.offered = self.tries = self.repeats = self.refused = 0


def message(request, xid, giaddr, now):
    """The packet that a client sends in its present state."""
    secs = min(int(now - request.began), 65535)
    holds = socket.inet_aton(request.held or "0.0.0.0")
    head = struct.pack("!BBBBIHH4s4s4s4s", 1, 1, 6, 1, xid, secs, 0, holds, bytes(4), bytes(4), giaddr)
    kind = REQUEST if request.held or request.offer else DISCOVER
    options = b"\x63\x82\x53\x63" + bytes([53, 1, kind])
    if request.offer:
        address, server = request.offer
        options += b"\x32\x04" + socket.inet_aton(address) + b"\x36\x04" + socket.inet_aton(server)
    return (head + request.hardware + bytes(10) + bytes(192) + options + b"\x37\x03\x01\x03\x33\xff").ljust(300, b"\0")


def parse(packet):
    """Transaction, type, address, server, seconds of the lease; None when it is no reply."""
    if len(packet) < 244 or packet[0] != 2:
        return None
    options, at = {}, 240
    while at + 1 < len(packet) and packet[at] != 255:
        if packet[at] == 0:
            at += 1
            continue
        options[packet[at]] = packet[at + 2:at + 2 + packet[at + 1]]
        at += 2 + packet[at + 1]
    server = socket.inet_ntoa(options[54]) if len(options.get(54, b"")) == 4 else None
    lease = int.from_bytes(options.get(51, b""), "big")
    return (int.from_bytes(packet[4:8], "big"), options.get(53, b"\0")[0], socket.inet_ntoa(packet[16:20]), server,
            lease)


class Crowd:
    """All clients of the run."""

    def __init__(self, chosen):
        self.relays = chosen.relays.split(",")
        self.giaddrs = [socket.inet_aton(relay) for relay in self.relays]
        self.servers = [servers.split("+") for servers in chosen.servers.split(",")]
        self.rates = {"new": chosen.new, "renewal": chosen.renew}
        self.leases = []
        if chosen.leases:
            with open(chosen.leases) as f:
                self.leases = [line.split() for line in f]
            random.Random(1).shuffle(self.leases)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        self.socket.bind(("", 67))
        self.socket.setblocking(False)
        self.number = 0
        self.begun = {"new": 0, "renewal": 0}
        self.open = {}
        self.due = collections.deque()
        self.rows = []
        self.ends = self.voice = None

    def end(self, *_):
        """Nothing begins any more; answers count a little longer."""
        if self.ends is None:
            self.ends = time.monotonic() + LINGER

    def run(self):
        """The whole run."""
        origin = time.monotonic()
        while self.ends is None or time.monotonic() < self.ends:
            now = time.monotonic()
            if self.ends is None:
                for kind, rate in self.rates.items():
                    while self.begun[kind] < (now - origin) * rate:
                        self.begin(kind, now)
            while self.due and self.due[0][0] <= now:
                _, xid, tries = self.due.popleft()
                request = self.open.get(xid)
                if request and request.tries == tries:
                    request.repeats += 1
                    if request.offer and tries > request.offered + OFFER_PATIENCE:
                        request.offer = None
                    self.send(xid, request, now)
            select.select([self.socket], [], [], NAP)
            self.receive()

    def begin(self, kind, now):
        """A client more."""
        number = self.begun[kind]
        self.begun[kind] += 1
        self.number += 1
        relay = number % len(self.relays)
        if kind == "new":
            request = Request(kind, relay, now, b"\x02\xdd" + number.to_bytes(4, "big"))
        else:
            held, hardware = self.leases[number % len(self.leases)]
            request = Request(kind, relay, now, bytes.fromhex(hardware.replace(":", "")), held)
        self.open[self.number] = request
        self.send(self.number, request, now)

    def send(self, xid, request, now):
        """Its present message, to every server of its relay."""
        request.tries += 1
        self.due.append((now + REPEAT, xid, request.tries))
        packet = message(request, xid, self.giaddrs[request.relay], now)
        for server in self.servers[request.relay]:
            try:
                self.socket.sendto(packet, (server, 67))
            except OSError:
                # a wire that is cut
                pass

    def receive(self):
        """All that has arrived."""
        while True:
            try:
                packet = self.socket.recv(2048)
            except OSError:
                return
            reply = parse(packet)
            request = self.open.get(reply[0]) if reply else None
            if request:
                self.take(request, *reply)

    def take(self, request, xid, kind, address, server, lease):
        """A reply to an open request."""
        now = time.monotonic()
        if kind == OFFER and request.held is None and request.offer is None:
            request.offer, request.offered = (address, server), request.tries
            self.send(xid, request, now)
        elif kind == ACK and (request.held or request.offer):
            self.close(xid, now, server, address, lease)
        elif kind == NAK and request.held:
            request.refused += 1
            self.close(xid, None, server, address, 0)
        elif kind == NAK:
            request.offer = None

    def close(self, xid, acked, server, address, lease):
        """Notes what became of a request; says who answers when it is another than before."""
        request = self.open.pop(xid)
        if acked and server != self.voice:
            self.voice = server
            print(server, flush=True)
        self.rows.append([request.kind, request.relay, request.began, acked, server, request.repeats, address, lease,
                          request.refused])

    def report(self, path):
        """Writes all rows."""
        for xid in list(self.open):
            self.close(xid, None, None, None, 0)
        with open(path, "w") as f:
            json.dump(self.rows, f)


def main():
    """The command."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--relays", required=True)
    arguments.add_argument("--servers", required=True)
    arguments.add_argument("--new", type=float, default=0)
    arguments.add_argument("--renew", type=float, default=0)
    arguments.add_argument("--leases")
    arguments.add_argument("--out", required=True)
    chosen = arguments.parse_args()
    crowd = Crowd(chosen)
    signal.signal(signal.SIGTERM, crowd.end)
    print("ready", flush=True)
    crowd.run()
    crowd.report(chosen.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
