"""The table of pairs: a row a figure, ours beside the others, the bar and whether it is met."""
from report import Table

# Seconds from the death of the first to the first ACK of a new client by the second: kill -9, a silent death, and a
# silent death with the timers of the sample files.
KILL_BAR, CUT_BAR, SAMPLE_BAR = 0.5, 1.2, 6.0
# Milliseconds that a client may wait at a planned stop, or at the loss of the second.
WAIT_BAR = 100
# Milliseconds that a subnet may be silent in a return.
BLACKOUT_BAR = 50
# Seconds of a full copy of 1,000,000 leases.
COPY_BAR = 30.0
# Per cent of the rate of a server alone.
RATE_BAR = 80


def ours(results, part, demand):
    """Whether ours meets a demand; None when it was not measured."""
    result = results.get(part, {}).get("understudy")
    return None if result is None else bool(demand(result))


def build(results, kinds, parts):
    """The table of all results."""
    table = Table(kinds)
    for part, rows in (("kill", takeovers), ("planned", planned), ("return", giveback), ("copy", copy),
                       ("loss", loss), ("rate", rate), ("many", many)):
        if part in parts or part == "kill":
            rows(table, results, parts)
    return table


def takeovers(table, results, parts):
    """Unplanned deaths of the first."""
    for part, title, bar in (("kill", "kill -9: s to the first ACK of a new client", KILL_BAR),
                             ("cut", "wire cut: s to the first ACK of a new client", CUT_BAR),
                             ("sample", "wire cut, timers of the samples: s", SAMPLE_BAR)):
        if part in parts:
            found = results.get(part, {})
            met = ours(results, part, lambda r, bar=bar: r["worst"] <= bar)
            table.bar(title, found, lambda r: "%.2f" % r["seconds"], ("worst at most %.1f" % bar, met))
            table.row("  worst round", found, lambda r: "%.2f" % r["worst"])
            met = ours(results, part, lambda r: r["duplicates"] == 0)
            table.bar("  addresses given twice", found, lambda r: "%d" % r["duplicates"], ("0", met))
    table.row("kill -9, default timers of the others: s", results.get("default", {}), lambda r: "%.2f" % r["seconds"])


def planned(table, results, _):
    """SIGTERM to the first."""
    found = results.get("planned", {})
    met = ours(results, "planned", lambda r: r["longest_ms"] <= WAIT_BAR)
    table.bar("planned stop: longest wait of a client, ms", found, lambda r: "%.0f" % r["longest_ms"],
              ("at most %d" % WAIT_BAR, met))
    table.row("  messages without answer", found, lambda r: "%d" % r["lost"])
    table.row("  ms until the process ended", found, lambda r: "%.0f" % r["stop_ms"])


def giveback(table, results, _):
    """The first returns."""
    found = results.get("return", {})
    met = ours(results, "return", lambda r: max(r["blackout_ms"], 0) <= BLACKOUT_BAR if r["blackout_ms"] is not None
               else r["longest_ms"] <= BLACKOUT_BAR)
    table.row("return under 500 renewals/s: leases", found, lambda r: "%d" % r["leases"])
    table.row("  of which changed meanwhile", found, lambda r: "%d" % r["changed"])
    table.bar("  longest silence of a subnet, ms", found,
              lambda r: "-" if r["blackout_ms"] is None else "%.0f" % r["blackout_ms"],
              ("at most %d" % BLACKOUT_BAR, met))
    met = ours(results, "return", lambda r: r["lost"] == 0 and r["refused"] == 0)
    table.bar("  messages without answer", found, lambda r: "%d" % r["lost"], ("0", met))
    table.row("  longest wait of a client, ms", found, lambda r: "%.0f" % r["longest_ms"])
    table.row("  longest time without any ACK, ms", found, lambda r: "%.0f" % r["gap_ms"])
    table.row("  s from start to its first ACK", found, lambda r: "%.2f" % r["seconds"])


def copy(table, results, _):
    """A second with an empty disk."""
    found = results.get("copy", {})
    table.row("full copy under 500 renewals/s: leases", found, lambda r: "%d" % r["leases"])
    met = ours(results, "copy", lambda r: r["seconds"] <= COPY_BAR)
    table.bar("  s from start to standing by", found, lambda r: "%.1f" % r["seconds"],
              ("at most %.0f" % COPY_BAR, met))
    table.row("  CPU s of the first / of the second", found,
              lambda r: "%.1f/%.1f" % (r["cpu_first_s"], r["cpu_second_s"]))
    met = ours(results, "copy", lambda r: r["lost"] == 0)
    table.bar("  messages without answer", found, lambda r: "%d" % r["lost"], ("0", met))
    table.row("  wait of a client, ms p99/longest", found, lambda r: "%.1f/%.1f" % (r["p99_ms"], r["longest_ms"]))


def loss(table, results, _):
    """The second dies."""
    found = results.get("loss", {})
    met = ours(results, "loss", lambda r: r["lost"] == 0 and r["longest_ms"] <= WAIT_BAR)
    table.bar("kill -9 of the second: longest wait at the first, ms", found, lambda r: "%.1f" % r["longest_ms"],
              ("%d, none lost" % WAIT_BAR, met))
    table.row("  the same before", found, lambda r: "%.1f" % r["before_ms"])
    table.row("  messages without answer", found, lambda r: "%d" % r["lost"])


def rate(table, results, _):
    """Throughput in a pair."""
    found = results.get("rate", {})
    table.row("four-way exchanges/s alone, 200 under way", found, lambda r: "%.0f" % r["alone"])
    table.row("  in a pair", found, lambda r: "%.0f" % r["rate"])
    met = ours(results, "rate", lambda r: r["share"] >= RATE_BAR)
    table.bar("  per cent of alone", found, lambda r: "%.0f" % r["share"], ("at least %d" % RATE_BAR, met))


def many(table, results, _):
    """One second for many."""
    found = results.get("many", {})
    table.row("one second for so many firsts", found, lambda r: "%d" % r["firsts"])
    met = ours(results, "many", lambda r: r["others"]["lost"] == 0 and r["strangers"] == 0 and
               r["others"]["longest_ms"] <= WAIT_BAR)
    table.bar("  4 die: longest wait at the others, ms", found, lambda r: "%.1f" % r["others"]["longest_ms"],
              ("%d, none lost" % WAIT_BAR, met))
    met = ours(results, "many", lambda r: r["some_s"] <= CUT_BAR)
    table.bar("  s until each of the 4 is served", found, lambda r: "%.2f" % r["some_s"],
              ("at most %.1f" % CUT_BAR, met))
    met = ours(results, "many", lambda r: r["all_s"] <= CUT_BAR and r["served"] == r["firsts"])
    table.bar("  all die: s until each is served", found, lambda r: "%.2f" % r["all_s"],
              ("at most %.1f" % CUT_BAR, met))
    met = ours(results, "many", lambda r: r["duplicates"] == 0)
    table.bar("  addresses given twice", found, lambda r: "%d" % r["duplicates"], ("0", met))
