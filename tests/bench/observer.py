#!/usr/bin/env python3
"""Writes down every DHCP message on the clients' wires, sent and received; it sends nothing and knows no client.

    observer.py --out FILE INTERFACE...

A line a message: seconds of CLOCK_MONOTONIC, type, transaction, client, the address that it names (an answer: gives;
a client: asks for), server identifier, seconds of the lease. `verdict` judges them. Prints a line when it listens, and
ends at SIGTERM."""
import argparse
import select
import signal
import sys
import time

import frames

NAP = 0.5


def main():
    """The command."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--out", required=True)
    arguments.add_argument("interfaces", nargs="+")
    chosen = arguments.parse_args()
    wires = [frames.listen(name) for name in chosen.interfaces]
    ended = []
    signal.signal(signal.SIGTERM, lambda *_: ended.append(True))
    with open(chosen.out, "w") as out:
        print("ready", flush=True)
        while not ended:
            for wire in select.select(wires, [], [], NAP)[0]:
                note(wire, out)
    return 0


def note(wire, out):
    """All that has arrived on a wire."""
    while True:
        try:
            frame = wire.recv(2048)
        except BlockingIOError:
            return
        said = frames.message(frame)
        if said:
            is_answer = said.kind in (frames.OFFER, frames.ACK, frames.NAK)
            address = said.yours if is_answer else said.wanted
            out.write("%.6f %d %08x %s %s %s %d\n" % (
                time.monotonic(), said.kind, said.xid, said.hardware.hex(), frames.dotted(address or frames.NOBODY),
                frames.dotted(said.server or frames.NOBODY), said.lease))


if __name__ == "__main__":
    sys.exit(main())
