#!/usr/bin/env python3
"""DHCP clients on two wires, half on each, as RFC 2131 has them, directly on the link of the servers.

    herd.py --clients COUNT --churn SECONDS [--echo] INTERFACE INTERFACE

COUNT clients come within some seconds; from then on one in CHURN seconds vanishes without a word, as one that is
switched off, and a new one comes in its place; every fourth is started again instead and asks for the address it had.
Each has a hardware address of its own, answers ARP (and pings with --echo) for what it holds, renews at T1 by unicast,
at T2 by broadcast, and starts over when its lease has ended or was refused. SIGUSR1: nobody comes or goes any more.
Ends at SIGTERM."""
import argparse
import heapq
import itertools
import random
import select
import signal
import sys
import time

import frames
from frames import ACK, DISCOVER, NAK, OFFER, REQUEST

# Seconds until a client without address repeats itself; RFC 2131 says 4, but leases here are short too.
REPEAT = 1.0
# REQUESTs of one kind before a client gives that way up.
TRIES = 4
# The least pause between two messages of a renewal.
RENEW_REPEAT = 1.0
# Clients come so many a second at the begin.
ARRIVALS = 40.0
NAP = 0.05
SELECTING, REQUESTING, BOUND, RENEWING, REBINDING, REBOOTING = range(6)


class Client:
    """One client; `due` is when it does something next."""

    def __init__(self, number, wire, chance):
        self.hardware = b"\x02\xc1" + number.to_bytes(4, "big")
        self.wire, self.chance = wire, chance
        self.address = self.server = self.server_hardware = None
        self.renews = self.rebinds = self.ends = 0.0
        self.alive = True
        self.begin(SELECTING, time.monotonic())

    def begin(self, state, now):
        """Another exchange."""
        self.state, self.since, self.due, self.tries = state, now, now, 0
        self.xid = self.chance.getrandbits(32)

    def lose(self, now):
        """It has no address any more."""
        self.address = None
        self.begin(SELECTING, now)

    def act(self, now):
        """What it sends now, or None; sets when it acts next."""
        if self.address and now >= self.ends:
            self.lose(now)
        if self.state == BOUND:
            if now < self.renews:
                self.due = self.renews
                return None
            self.begin(RENEWING, now)
        if self.state == RENEWING and now >= self.rebinds:
            self.begin(REBINDING, now)
        if self.tries >= TRIES and self.state == REQUESTING:
            self.begin(SELECTING, now)
        if self.tries >= TRIES and self.state == REBOOTING:
            # RFC 2131 s. 3.2: nobody said no, and the lease runs
            self.state, self.due = BOUND, max(now, self.renews)
            return None
        self.tries += 1
        self.due = now + self.pause(now)
        return self.speak(now)

    def pause(self, now):
        """Seconds until it repeats itself."""
        if self.state == RENEWING:
            return max(RENEW_REPEAT, (self.rebinds - now) / 2)
        if self.state == REBINDING:
            return min(max(RENEW_REPEAT, (self.ends - now) / 2), self.ends - now + 0.001)
        return REPEAT

    def speak(self, now):
        """The frame of its present state."""
        secs, link = int(now - self.since), (self.hardware, frames.BROADCAST)
        if self.state == SELECTING:
            return frames.datagram(frames.request(DISCOVER, self.xid, self.hardware, secs), link)
        if self.state == REQUESTING:
            address, server = self.offer
            text = frames.request(REQUEST, self.xid, self.hardware, secs, wanted=address, server=server)
            return frames.datagram(text, link)
        if self.state == REBOOTING:
            return frames.datagram(frames.request(REQUEST, self.xid, self.hardware, secs, wanted=self.address), link)
        text = frames.request(REQUEST, self.xid, self.hardware, secs, held=self.address)
        if self.state == RENEWING:
            return frames.datagram(text, (self.hardware, self.server_hardware), self.address, self.server)
        return frames.datagram(text, link, self.address)

    def take(self, said, frame, now):
        """A reply to it."""
        if said.xid != self.xid:
            return
        if said.kind == OFFER and self.state == SELECTING and said.server:
            self.offer = (said.yours, said.server)
            self.state, self.due, self.tries = REQUESTING, now, 0
        elif said.kind == ACK and self.state in (REQUESTING, RENEWING, REBINDING, REBOOTING):
            first, second = frames.timers(frame)
            lease = said.lease
            fuzz = self.chance.uniform(0.85, 1.0)
            self.address, self.server, self.server_hardware = said.yours, said.server, said.sender
            self.renews = now + fuzz * (first or lease / 2)
            self.rebinds, self.ends = now + (second or lease * 7 / 8), now + lease
            self.state, self.due = BOUND, self.renews
        elif said.kind == NAK and self.state in (REQUESTING, RENEWING, REBINDING, REBOOTING):
            self.lose(now)


class Herd:
    """All clients."""

    def __init__(self, chosen):
        self.chance = random.Random(chosen.seed)
        self.wires = [frames.listen(name) for name in chosen.interfaces]
        self.wanted, self.churn, self.echo = chosen.clients, chosen.churn, chosen.echo
        self.clients, self.due = {}, []
        self.count = itertools.count(1)
        self.order = itertools.count()
        self.ended = self.calm = False

    def run(self):
        """Until it is told to end."""
        next_one = time.monotonic()
        while not self.ended:
            now = time.monotonic()
            while next_one <= now:
                is_full = len(self.clients) >= self.wanted
                next_one += self.churn if is_full else 1 / ARRIVALS
                if not self.calm or not is_full:
                    self.come(now, is_full)
            while self.due and self.due[0][0] <= now:
                self.act(heapq.heappop(self.due)[2], now)
            until = min(next_one, self.due[0][0] if self.due else next_one)
            ready = select.select(self.wires, [], [], min(NAP, max(0.0, until - time.monotonic())))[0]
            for wire in ready:
                self.hear(self.wires.index(wire))

    def come(self, now, is_full):
        """Somebody comes; one goes for it, or is started again, when all are there."""
        number = next(self.count)
        side = number % len(self.wires)
        if is_full:
            # one that asks for something stays, so that whoever stops asking was answered or had its lease run out
            some = [client for client in self.clients.values() if client.wire == side and client.state == BOUND]
            if not some:
                return
            gone = self.chance.choice(some)
            if number % 8 > 5:
                gone.begin(REBOOTING, now)
                self.plan(gone)
                return
            gone.alive = False
            del self.clients[gone.hardware]
        client = Client(number, side, self.chance)
        self.clients[client.hardware] = client
        self.plan(client)

    def plan(self, client):
        """Notes when it acts next."""
        heapq.heappush(self.due, (client.due, next(self.order), client))

    def act(self, client, now):
        """It may have gone, or have learnt since that its time is another."""
        if not client.alive or client.due > now:
            return
        frame = client.act(now)
        if frame:
            self.send(client.wire, frame)
        self.plan(client)

    def send(self, wire, frame):
        """One frame, onto one wire."""
        try:
            self.wires[wire].send(frame)
        except OSError as problem:
            print("herd: %s" % problem, file=sys.stderr, flush=True)

    def hear(self, wire):
        """All that has arrived on one wire."""
        while True:
            try:
                frame, whence = self.wires[wire].recvfrom(2048)
            except BlockingIOError:
                return
            if whence[2] != 4:      # PACKET_OUTGOING: own frames
                self.on_frame(wire, frame)

    def on_frame(self, wire, frame):
        """What it is, and whose."""
        said = frames.message(frame)
        if said:
            client = self.clients.get(said.hardware)
            if client and client.wire == wire:
                client.take(said, frame, time.monotonic())
                self.plan(client)
            return
        asked = frames.question(frame)
        if asked:
            for client in self.holders(wire, asked.wanted):
                self.send(wire, frames.arp_reply(asked, client.hardware))
        elif self.echo:
            found = frames.body(frame, frames.ICMP)
            for client in self.holders(wire, found[1]) if found else ():
                reply = frames.echo_reply(frame, client.hardware)
                if reply:
                    self.send(wire, reply)

    def holders(self, wire, address):
        """The clients of a wire that hold an address."""
        return [client for client in self.clients.values() if client.wire == wire and client.address == address]


def main():
    """The command."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--clients", type=int, default=200)
    arguments.add_argument("--churn", type=float, default=0.25)
    arguments.add_argument("--echo", action="store_true")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("interfaces", nargs=2)
    herd = Herd(arguments.parse_args())

    def calm(*_):
        herd.calm = True

    def end(*_):
        herd.ended = True
    signal.signal(signal.SIGUSR1, calm)
    signal.signal(signal.SIGTERM, end)
    herd.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
