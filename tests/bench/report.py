"""The table: a row a figure, ours beside the others, the bar and whether it is met."""
from servers import ALL

# At least this many times Kea's sustained rate, with a sync before each ACK.
RATE_BAR = 3.0
# Octets of resident memory a lease.
MEMORY_BAR = 200
# Seconds from exec to the first OFFER with 1,000,000 leases.
START_BAR = 2.0
NOTHING = "-"


class Table:
    """Rows of text; counts the bars that are not met."""

    def __init__(self, kinds):
        self.kinds = kinds
        self.rows = [["", *(kind.title for kind in kinds), "bar", ""]]
        self.failed = 0

    def row(self, title, results, text):
        """A figure of each server; `text` makes it of a result."""
        cells = list(self.cells(results, text))
        if any(cell != NOTHING for cell in cells):
            self.rows.append([title, *cells, "", ""])

    def bar(self, title, results, text, bar):
        """A figure with a bar: (what it demands, whether ours meets it; None when not measured)."""
        demand, met = bar
        word = "not measured" if met is None else "pass" if met else "FAIL"
        self.failed += met is not True
        self.rows.append([title, *self.cells(results, text), demand, word])

    def cells(self, results, text):
        """The figures of one row."""
        for kind in self.kinds:
            result = results.get(kind.name)
            try:
                yield text(result) if result else NOTHING
            except KeyError:
                yield NOTHING

    def text(self):
        """All of it, columns aligned."""
        widths = [max(len(row[i]) for row in self.rows) for i in range(len(self.rows[0]))]
        lines = []
        for number, row in enumerate(self.rows):
            cells = [row[0].ljust(widths[0])] + [c.rjust(w) for c, w in zip(row[1:], widths[1:])]
            lines.append("  ".join(cells).rstrip())
            if number == 0:
                lines.append("-" * len(lines[0]))
        return "\n".join(lines)


def ratio(results, pick):
    """Ours over Kea's; None when one is missing."""
    ours, theirs = results.get("understudy"), results.get("kea")
    return pick(ours) / pick(theirs) if ours and theirs and pick(theirs) else None


def delays(kind):
    """A cell with three delays."""
    return lambda r: "%.2f/%.2f/%.1f" % (r[kind]["min"], r[kind]["avg"], r[kind]["p99"])


def build(results, kinds=ALL):
    """The table of all results."""
    table = Table(kinds)
    rates(table, results)
    durable(table, results)
    sizes(table, results)
    return table


def rates(table, results):
    """Speed."""
    rate = results.get("sustained", {})
    factor = ratio(rate, lambda r: r["rate"])
    table.row("four-way exchanges/s, under 1 % lost", rate, lambda r: "%.0f" % r["rate"])
    table.row("  range of the confirming runs", rate, lambda r: "%.0f-%.0f" % (r["low"], r["high"]))
    table.row("  lost %", rate, lambda r: "%.2f" % r["lost_pct"])
    table.row("  CPU us an exchange", rate, lambda r: "%.0f" % r["cpu_us"])
    table.row("  OFFER ms min/avg/p99", rate, delays("offers"))
    table.row("  ACK ms min/avg/p99", rate, delays("acks"))
    base = (rate.get("kea") or {}).get("rate")
    table.bar("  times Kea", rate, lambda r: "%.1f" % (r["rate"] / base) if base else NOTHING,
              ("at least %.1f" % RATE_BAR, None if factor is None else factor >= RATE_BAR))
    full = results.get("capacity", {})
    table.row("four-way exchanges/s, 200 under way", full, lambda r: "%.0f" % r["rate"])
    table.row("  range", full, lambda r: "%.0f-%.0f" % (r["low"], r["high"]))
    table.row("  CPU us an exchange", full, lambda r: "%.0f" % r["cpu_us"])
    factor = ratio(full, lambda r: r["rate"])
    base = (full.get("kea") or {}).get("rate")
    table.bar("  times Kea", full, lambda r: "%.1f" % (r["rate"] / base) if base else NOTHING,
              ("at least %.1f" % RATE_BAR, None if factor is None else factor >= RATE_BAR))
    table.row("DISCOVER-OFFER/s, 200 under way", results.get("discover", {}), lambda r: "%.0f" % r["rate"])
    table.row("renewals/s, 200 under way", results.get("memory", {}), lambda r: "%.0f" % r["renew"]["rate"])
    second = results.get("perfdhcp", {})
    table.row("perfdhcp: asked/s", second, lambda r: "%.0f" % r["asked"])
    table.row("  done/s", second, lambda r: "%.0f" % r["rate"])
    table.row("  lost %", second, lambda r: "%.2f" % r["lost_pct"])
    slow = results.get("latency", {})
    table.row("at 200/s: OFFER ms min/avg/p99", slow, delays("offers"))
    table.row("  ACK ms min/avg/p99", slow, delays("acks"))
    table.row("  CPU us an exchange", slow, lambda r: "%.0f" % r["cpu_us"])


def durable(table, results):
    """Syncs."""
    sync = results.get("durability", {})
    ours = sync.get("understudy")
    met = None if ours is None else ours["acks"] > 0 and ours["after_sync"] == ours["acks"]
    table.bar("ACKs sent with all writes synced, %", sync,
              lambda r: "%.0f" % (100.0 * r["after_sync"] / r["acks"]) if r["acks"] else NOTHING, ("100", met))
    table.row("  syncs an ACK at 100/s", sync, lambda r: "%.2f" % r["slow"]["per_ack"])
    table.row("  syncs an ACK at half the rate above", sync,
              lambda r: "%.3f" % r["half"]["per_ack"])


def sizes(table, results):
    """Memory, disk, start-up."""
    for part, title in (("named", "memory, octets a lease: client identifier, host name"),
                        ("memory", "memory, octets a lease: hardware address alone")):
        memory = results.get(part, {})
        ours = memory.get("understudy")
        table.bar(title, memory, lambda r: "%.0f" % r["per_lease"],
                  ("at most %d" % MEMORY_BAR, None if ours is None else ours["per_lease"] <= MEMORY_BAR))
    table.row("  leases", memory, lambda r: "%d" % r["leases"])
    table.row("  resident MiB, empty", memory, lambda r: "%.1f" % (r["empty"] / 2**20))
    table.row("  resident MiB, full", memory, lambda r: "%.1f" % (r["full"] / 2**20))
    table.row("  resident MiB after renewals", memory, lambda r: "%.1f" % (r["after_renewals"] / 2**20))
    table.row("  octets of lease files a lease", memory, lambda r: "%.0f" % r["stored"])
    start = results.get("start", {})
    ours = start.get("understudy")
    table.bar("start-up s, exec to first OFFER", start, lambda r: "%.2f" % r["seconds"],
              ("at most %.1f" % START_BAR, None if ours is None else ours["seconds"] <= START_BAR))
    met = None if ours is None else ours["killed"] <= START_BAR
    table.bar("  after kill -9", start, lambda r: "%.2f" % r["killed"], ("at most %.1f" % START_BAR, met))
    table.row("  CPU s of the start", start, lambda r: "%.2f" % r["cpu"])
    table.row("  with 3 records a lease", start, lambda r: "%.2f" % r["largest"])
    table.row("  leases", start, lambda r: "%d" % r["leases"])
    table.row("  resident MiB", start, lambda r: "%.0f" % (r["resident"] / 2**20))
