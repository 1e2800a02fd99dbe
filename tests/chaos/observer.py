#!/usr/bin/env python3
"""An observer on the clients' side of a wire: it reads frames, and keeps a ledger of its own in its own time.

    observer.py --out FOLDER [--quiet-secs N] INTERFACE...     until SIGTERM; keeps FOLDER/capture.pcap
    observer.py --out FOLDER --read CAPTURE                    the same judgement of a capture

It knows nothing of servers but what their packets say, and shares no code with them. The ledger says which client was
promised which address until when: from each ACK to the end of the lease, counted from the REQUEST that it answers, or
to a RELEASE or DECLINE of that client. FOLDER/report.txt gets one line a finding and one a figure:

    duplicate  an ACK for an address that another client was promised and that had not ended
    refused    a NAK to a client for an address that it was promised and that had not ended when it asked
    changed    an ACK for another address to a client that asked for the one it was promised
    wait       how long a client asked before an ACK came, of those over --quiet-secs
    holds      who was promised what at the end

Ends with 0 when there is no duplicate, no refusal and no change, else with 1.
"""

import argparse
import os
import select
import signal
import socket
import struct
import sys
import time
from dataclasses import dataclass, field

DISCOVER, OFFER, REQUEST, DECLINE, ACK, NAK, RELEASE = 1, 2, 3, 4, 5, 6, 7
COOKIE = bytes((99, 130, 83, 99))
ETHERTYPE_IPV4, ICMP, UDP = 0x0800, 1, 17
PORTS = (67, 68)
SO_TIMESTAMPNS = 35
SOL_PACKET, PACKET_STATISTICS, SO_RCVBUFFORCE = 263, 6, 33
PCAP_HEAD = struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 1)
# An exchange that began so long ago is over, however it ended.
EXCHANGE_SECS = 600
# A client that has not asked for so long has given up, or was away; clients of the lab repeat each half second.
PAUSE_SECS = 3.0
# Answers to one message that come further apart are answers to its repeats.
DOUBLE_SECS = 0.4


def dotted(octets):
    return ".".join(str(octet) for octet in octets)


@dataclass
class Message:
    """What the judgement needs of one DHCP message."""

    op: int
    xid: int
    client: str
    asked: str  # ciaddr, else option 50
    given: str  # yiaddr
    kind: int
    server: str  # option 54
    lease: int  # option 51


def dhcp(payload):
    """Reads a DHCP message, None when it is not one. Options that are cut end the reading."""
    if len(payload) < 240 or payload[236:240] != COOKIE:
        return None
    options, at = {}, 240
    while at + 1 < len(payload) and payload[at] != 255:
        if payload[at] == 0:
            at += 1
            continue
        length = payload[at + 1]
        options[payload[at]] = options.get(payload[at], b"") + payload[at + 2 : at + 2 + length]
        at += 2 + length
    current = payload[12:16]
    wanted = current if any(current) else options.get(50, b"")
    return Message(
        op=payload[0],
        xid=int.from_bytes(payload[4:8], "big"),
        client=":".join(f"{octet:02x}" for octet in payload[28:34]),
        asked=dotted(wanted) if len(wanted) == 4 else "",
        given=dotted(payload[16:20]),
        kind=options.get(53, b"\0")[0] if options.get(53) else 0,
        server=dotted(options.get(54, b"")),
        lease=int.from_bytes(options.get(51, b"")[:4], "big"),
    )


def packet(frame):
    """Protocol, source, destination and payload of a whole IPv4 packet in an Ethernet frame; None for all else."""
    if len(frame) < 34 or int.from_bytes(frame[12:14], "big") != ETHERTYPE_IPV4 or frame[14] >> 4 != 4:
        return None
    ip = frame[14:]
    head, total = (ip[0] & 15) * 4, int.from_bytes(ip[2:4], "big")
    if int.from_bytes(ip[6:8], "big") & 0x3FFF or len(ip) < total or total < head + 8:
        return None
    return ip[9], dotted(ip[12:16]), dotted(ip[16:20]), ip[head:total]


def datagram(payload):
    """The payload of a datagram of the DHCP ports, None for another."""
    ports = struct.unpack("!HH", payload[:4])
    return payload[8:] if ports[0] in PORTS or ports[1] in PORTS else None


@dataclass
class Promise:
    """An address in a client's hand."""

    since: float
    until: float
    server: str


@dataclass
class Exchange:
    """What was asked with one transaction id."""

    asked: str
    names_server: bool
    first: float
    last: float
    answers: list = field(default_factory=list)
    dead: bool = False


@dataclass
class Want:
    """What a client has been asking for without an ACK."""

    since: float
    last: float
    place: str
    held_until: float
    held_by: str


class Ledger:
    """Who was promised what, and what cannot be true together."""

    def __init__(self, quiet_secs):
        self.quiet_secs = quiet_secs
        self.promises = {}  # address -> client -> Promise
        self.exchanges = {}  # (client, xid) -> Exchange
        self.of_client = {}  # client -> its transaction ids
        self.wants = {}  # client -> Want
        self.pings = {}  # address -> [last asked, how long after that the first answer came]
        self.open_duplicates = set()
        self.findings = []
        self.last_holder = {}
        names = "frames acks naks offers clients handed_on double_answers contradictions late_answers pings pings_answered"
        self.figures = dict.fromkeys(names.split(), 0)
        self.clients = set()
        self.servers = {}

    def find(self, what, at, **facts):
        text = " ".join(f"{name}={value}" for name, value in facts.items())
        self.findings.append(f"{what} at={at:.3f} {text}")

    def on_frame(self, at, place, frame):
        """Takes one frame; whether it is worth keeping."""
        read = packet(frame)
        if read is None:
            return False
        protocol, source, destination, payload = read
        if protocol == ICMP and payload[0] in (0, 8):
            self.on_echo(at, payload[0], destination if payload[0] == 8 else source)
            return True
        message = dhcp(datagram(payload) or b"") if protocol == UDP else None
        if message is None:
            return False
        self.figures["frames"] += 1
        if message.op == 1:
            self.on_ask(at, place, message)
        elif message.kind in (OFFER, ACK, NAK):
            self.on_reply(at, message)
        return True

    def on_echo(self, at, kind, address):
        if kind == 8:
            self.figures["pings"] += 1
            self.pings[address] = [at, None]
        else:
            self.figures["pings_answered"] += 1
            ping = self.pings.get(address)
            if ping and ping[1] is None:
                ping[1] = at - ping[0]

    def on_ask(self, at, place, message):
        client = message.client
        self.clients.add(client)
        if message.kind in (RELEASE, DECLINE):
            self.promises.get(message.asked, {}).pop(client, None)
            self.wants.pop(client, None)
            # What answers an earlier message of this client now promises nothing: it has gone.
            for xid in self.of_client.get(client, ()):
                self.exchanges[client, xid].dead = True
            return
        if message.kind not in (DISCOVER, REQUEST):
            return
        exchange = self.exchanges.get((client, message.xid))
        if exchange is None or exchange.last + EXCHANGE_SECS < at:
            exchange = self.exchanges[client, message.xid] = Exchange("", False, at, at)
            self.of_client.setdefault(client, set()).add(message.xid)
        if message.kind == REQUEST:
            exchange.asked, exchange.names_server = message.asked, bool(message.server)
        # Copies of one broadcast to several servers are one message.
        exchange.last = at
        want = self.wants.get(client)
        if want and at - want.last > PAUSE_SECS:
            self.end_wait(client, want.last, "gave_up")
            want = None
        if want is None:
            promise = self.promises.get(message.asked, {}).get(client)
            held_until = promise.until if promise and promise.until > at else 0.0
            held_by = promise.server if held_until else "nobody"
            want = self.wants[client] = Want(at, at, place, held_until, held_by)
        want.last = at

    def on_reply(self, at, message):
        name = {OFFER: "offers", ACK: "acks", NAK: "naks"}[message.kind]
        self.figures[name] += 1
        exchange = self.exchanges.get((message.client, message.xid))
        if message.kind == OFFER:
            return
        if exchange is None or exchange.dead:
            self.figures["late_answers"] += 1
            return
        for before, kind, server in exchange.answers:
            if server != message.server and at - before < DOUBLE_SECS:
                self.figures["double_answers" if kind == message.kind else "contradictions"] += 1
                break
        exchange.answers.append((at, message.kind, message.server))
        if message.kind == ACK:
            self.on_ack(at, message, exchange)
        else:
            self.on_nak(at, message, exchange)

    def on_ack(self, at, message, exchange):
        client, address = message.client, message.given
        self.servers[message.server] = self.servers.get(message.server, 0) + 1
        self.end_wait(client, at, "answered")
        holders = self.promises.setdefault(address, {})
        for other, promise in list(holders.items()):
            if promise.until <= at:
                del holders[other]
            elif other != client:
                self.on_duplicate(at, message, other, promise)
        asked = exchange.asked
        if not exchange.names_server and asked != address:
            promise = self.promises.get(asked, {}).get(client)
            if promise and promise.since < exchange.first and promise.until > at:
                left = f"{promise.until - at:.1f}"
                self.find("changed", at, client=client, asked=asked, given=address, server=message.server, left=left)
        if self.last_holder.get(address, client) != client:
            self.figures["handed_on"] += 1
        self.last_holder[address] = client
        until = exchange.last + message.lease
        known = holders.get(client)
        since = known.since if known else at
        holders[client] = Promise(since, max(until, known.until if known else 0.0), message.server)

    def on_duplicate(self, at, message, other, promise):
        pair = (message.given, *sorted((message.client, other)))
        if pair in self.open_duplicates:
            return
        self.open_duplicates.add(pair)
        asked, answered_after = self.pings.get(message.given, (0.0, None))
        self.find(
            "duplicate", at, address=message.given, client=message.client, server=message.server, holder=other,
            holders_server=promise.server, left=f"{promise.until - at:.1f}",
            ping_asked_ago=f"{at - asked:.1f}" if asked else "never",
            ping_answered_after=f"{answered_after:.3f}" if answered_after is not None else "never",
        )  # fmt: skip

    def on_nak(self, at, message, exchange):
        promise = self.promises.get(exchange.asked, {}).get(message.client)
        # What was promised only after the question is no answer to it.
        if promise and promise.since < exchange.last and promise.until > at:
            left = f"{promise.until - at:.1f}"
            self.find("refused", at, client=message.client, address=exchange.asked, server=message.server,
                      promised_by=promise.server, left=left)  # fmt: skip

    def end_wait(self, client, at, how):
        want = self.wants.pop(client, None)
        if want and at - want.since >= self.quiet_secs:
            self.find("wait", at, since=f"{want.since:.3f}", client=client, place=want.place,
                      held_until=f"{want.held_until:.3f}", held_by=want.held_by, end=how)  # fmt: skip

    def finish(self, at):
        """Lines of the report."""
        for client, want in list(self.wants.items()):
            self.end_wait(client, want.last, "gave_up" if want.last < at - PAUSE_SECS else "asking")
        for address, holders in self.promises.items():
            for client, promise in holders.items():
                if promise.until > at:
                    self.find("holds", at, address=address, client=client, until=f"{promise.until:.3f}")
        self.figures["clients"] = len(self.clients)
        self.figures["addresses"] = len(self.last_holder)
        lines = [f"figure {name}={value}" for name, value in self.figures.items()]
        lines += [f"figure acks_of_{server}={count}" for server, count in sorted(self.servers.items())]
        return lines + self.findings

    def is_good(self):
        return not any(line.split(" ")[0] in ("duplicate", "refused", "changed") for line in self.findings)


def watch(interfaces, ledger, capture):
    """Reads all interfaces until SIGTERM; frames carry the kernel's time, so that a late look changes nothing."""
    ends = []
    signal.signal(signal.SIGTERM, lambda *_: ends.append(True))
    sockets = {}
    for interface in interfaces:
        link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        link.bind((interface, 0))
        link.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 32 << 20)
        link.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        link.setblocking(False)
        sockets[link] = interface
    print("ready", flush=True)
    latest = 0.0
    while not ends:
        ready, _, _ = select.select(list(sockets), [], [], 0.1)
        batch = []
        for link in ready:
            for _ in range(500):
                try:
                    frame, ancillary, _, _ = link.recvmsg(65536, 64)
                except BlockingIOError:
                    break
                stamp = next((value for level, kind, value in ancillary if kind == SO_TIMESTAMPNS), None)
                secs, nanos = struct.unpack("qq", stamp[:16]) if stamp else (int(time.time()), 0)
                batch.append((secs + nanos / 1e9, sockets[link], frame))
        # In the order of their times: what went over two interfaces is one history.
        for at, place, frame in sorted(batch, key=lambda entry: entry[0]):
            latest = max(latest, time.time() - at)
            if ledger.on_frame(at, place, frame):
                write(capture, at, frame)
    dropped = sum(struct.unpack("II", link.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))[1] for link in sockets)
    ledger.figures["dropped"] = dropped
    ledger.figures["latest_ms"] = int(latest * 1000)
    return time.time()


def write(capture, at, frame):
    whole = int(at)
    capture.write(struct.pack("<IIII", whole, int((at - whole) * 1e9), len(frame), len(frame)) + frame)


def replay(path, ledger):
    """Judges a capture, with times in micro- or nanoseconds."""
    octets = open(path, "rb").read()
    (magic,) = struct.unpack("<I", octets[:4])
    unit = {0xA1B23C4D: 1e9, 0xA1B2C3D4: 1e6}[magic]
    at, last = 24, 0.0
    while at + 16 <= len(octets):
        secs, rest, length, _ = struct.unpack("<IIII", octets[at : at + 16])
        last = secs + rest / unit
        ledger.on_frame(last, "capture", octets[at + 16 : at + 16 + length])
        at += 16 + length
    return last


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--out", required=True)
    arguments.add_argument("--read")
    arguments.add_argument("--quiet-secs", type=float, default=1.0)
    arguments.add_argument("interfaces", nargs="*")
    given = arguments.parse_args()
    ledger = Ledger(given.quiet_secs)
    if given.read:
        end = replay(given.read, ledger)
    else:
        with open(os.path.join(given.out, "capture.pcap"), "wb", buffering=1 << 20) as capture:
            capture.write(PCAP_HEAD)
            end = watch(given.interfaces, ledger, capture)
    report = os.path.join(given.out, "report.txt")
    with open(report + ".new", "w", encoding="ascii") as file:
        file.write("\n".join(ledger.finish(end)) + "\n")
    os.rename(report + ".new", report)
    return 0 if ledger.is_good() else 1


if __name__ == "__main__":
    sys.exit(main())
