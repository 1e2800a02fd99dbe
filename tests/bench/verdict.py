"""What the packets on the clients' wires say of a pair of servers. It reads packets only: what no packet shows, no
figure counts."""
import collections

from frames import ACK, DISCOVER, NAK, OFFER, REQUEST

NO_ADDRESS = "0.0.0.0"
# A client that has said nothing for so long is no longer there; the longest pause of one that asks is shorter.
PRESENCE = 5.0
# After a cut is mended the servers need a word of each other before they are in contact again.
HEALING = 1.0

# `at` in seconds; `kind` as RFC 2131 has it; address and server as text.
Line = collections.namedtuple("Line", "at kind xid client address server lease")


def read(path):
    """What observer.py wrote; a last line that was cut counts for nothing."""
    lines = []
    with open(path) as f:
        for text in f:
            at, kind, xid, client, address, server, lease = text.split()
            lines.append(Line(float(at), int(kind), xid, client, address, server, int(lease)))
    return lines


class Verdict:
    """Figures of a run. `cuts`: begin and end of each time in which the servers could not hear each other."""

    def __init__(self, lines, cuts=()):
        self.cuts = cuts
        self.terms = {}             # (client, address) -> end of the latest term
        self.holders = {}           # address -> clients that ever held it
        self.asked = {}             # (client, xid) -> what its last message asked for
        self.asking = {}            # (client, address) -> when it asked for more, since its last ACK
        self.voices = {}            # (client, xid, OFFER or not) -> servers
        self.last = {}              # client -> its last line
        self.duplicates, self.refused, self.ran_out = [], [], []
        self.doubles = {"contact": [], "cut": []}
        self.answers = []
        self.given = collections.Counter()
        for line in lines:
            self.take(line)
        self.end = lines[-1].at if lines else 0.0
        self.find_ends()

    def take(self, line):
        """One packet."""
        if line.kind in (OFFER, ACK, NAK):
            self.answers.append(line.at)
            self.listen(line)
            if line.kind == ACK:
                self.grant(line)
            elif line.kind == NAK:
                self.refuse(line)
        elif line.kind in (DISCOVER, REQUEST):
            self.last[line.client] = line
            self.asked[line.client, line.xid] = line
            if line.kind == REQUEST:
                self.asking.setdefault((line.client, line.address), []).append(line.at)

    def listen(self, line):
        """Whether another server has answered the same message."""
        voices = self.voices.setdefault((line.client, line.xid, line.kind == OFFER), set())
        if line.server not in voices:
            voices.add(line.server)
            if len(voices) == 2:
                is_cut = any(begin <= line.at <= end + HEALING for begin, end in self.cuts)
                self.doubles["cut" if is_cut else "contact"].append(line)

    def grant(self, line):
        """An address is promised to a client."""
        self.given[line.server] += 1
        holders = self.holders.setdefault(line.address, {})
        for other in holders:
            if other != line.client and self.terms[other, line.address] > line.at:
                pair = (line.address, frozenset((other, line.client)))
                if pair not in [found for found, _ in self.duplicates]:
                    self.duplicates.append((pair, line))
        holders[line.client] = None
        self.note_end(line.client, line.address, line.at)
        self.terms[line.client, line.address] = line.at + line.lease
        self.asking.pop((line.client, line.address), None)

    def refuse(self, line):
        """A client is told no: does it hold what it asks for?"""
        asked = self.asked.get((line.client, line.xid))
        if asked and self.terms.get((line.client, asked.address), 0.0) > line.at:
            self.refused.append(line)
            self.terms[line.client, asked.address] = line.at

    def note_end(self, client, address, now):
        """Whether a term had ended by `now` though its client was there and asked for more."""
        end = self.terms.get((client, address))
        if end is None or end > now:
            return
        asked = [at for at in self.asking.get((client, address), ()) if end - PRESENCE <= at < end]
        if asked:
            self.ran_out.append((client, address, end))
            # one end is one loss, whoever looks again
            self.terms[client, address] = 0.0

    def find_ends(self):
        """Terms that ended and were never renewed."""
        for (client, address), _ in list(self.terms.items()):
            self.note_end(client, address, self.end)

    def silence(self, since, until):
        """The longest time in which nobody was answered, between two moments: seconds, and when it began."""
        times = [since, *(at for at in self.answers if since <= at <= until), until]
        return max((later - earlier, earlier) for earlier, later in zip(times, times[1:]))

    def without(self):
        """Clients that are there at the end and have no address."""
        held = {client for (client, _), end in self.terms.items() if end > self.end}
        return [client for client, line in self.last.items()
                if line.at > self.end - PRESENCE and client not in held]


def prove():
    """Shows that each kind of fault is found in packets made for it, and nothing in good ones."""
    good = [Line(0.0, DISCOVER, "1", "a", NO_ADDRESS, NO_ADDRESS, 0), Line(0.1, OFFER, "1", "a", "x", "s", 9),
            Line(0.2, REQUEST, "1", "a", "x", "s", 0), Line(0.3, ACK, "1", "a", "x", "s", 9)]
    later = [Line(9.4, REQUEST, "2", "b", "x", "s", 0), Line(9.5, ACK, "2", "b", "x", "s", 9)]
    found = Verdict(good + later)
    assert not (found.duplicates or found.refused or found.ran_out or found.without())
    assert not any(found.doubles.values())
    assert len(Verdict(good + [Line(5.0, ACK, "2", "b", "x", "t", 9)]).duplicates) == 1
    asks = Line(5.0, REQUEST, "3", "a", "x", NO_ADDRESS, 0)
    assert len(Verdict(good + [asks, Line(5.1, NAK, "3", "a", NO_ADDRESS, "t", 0)]).refused) == 1
    assert len(Verdict(good + [asks, Line(10.0, DISCOVER, "4", "a", NO_ADDRESS, NO_ADDRESS, 0)]).ran_out) == 1
    second = Line(0.4, ACK, "1", "a", "x", "t", 9)
    assert len(Verdict(good + [second]).doubles["contact"]) == 1
    assert len(Verdict(good + [second], [(0.0, 0.2)]).doubles["cut"]) == 1
    assert len(Verdict(good + [Line(9.5, DISCOVER, "4", "a", NO_ADDRESS, NO_ADDRESS, 0)]).without()) == 1
    assert Verdict(good + later).silence(0.3, 9.6)[0] > 9.0
