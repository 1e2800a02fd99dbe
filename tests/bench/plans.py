"""What goes wrong: one function a fault. Each takes a trial that has run undisturbed for a while, and leaves every
server running and every wire whole.

Every pair goes through the same, at the same times: nothing waits until a pair has recovered, but the death in the
middle of a return for the return, and that no longer than `RETURN_PATIENCE`."""
import signal
import time

# Seconds that the servers do not hear each other; leases that run at the begin end within it.
CUT = 60
# Seconds that a server is dead: longer than a lease, so that whoever was not served is seen to lose it.
DEATH = 40
# Seconds that both are without power.
BLACKOUT = 10
# Seconds after a start in which a server is said to be back.
BACK = 15
# Changes for so long are forgotten with an older copy of the disk.
FORGOTTEN = 45
RETURN_PATIENCE = 10
# Deaths in the middle of a return: each so long after it has begun.
INTO_THE_RETURN = (0.0, 0.01, 0.5)
GLANCE = 0.001


def kill(trial):
    """The first dies, and returns."""
    trial.dies(trial.pair.first)
    trial.wait(DEATH)
    trial.pair.first.start()


def heartbeat(trial):
    """The servers do not hear each other, the clients hear both."""
    trial.cut(trial.world.cut_heartbeat)
    trial.wait(CUT)
    trial.mend()


def partition(trial):
    """The servers do not hear each other, and each half of the clients hears one of them."""
    trial.cut(trial.world.part)
    trial.wait(CUT)
    trial.mend()


def deaths_in_return(trial):
    """The first dies, and dies again in the middle of its return, three times."""
    first = trial.pair.first
    trial.dies(first)
    for seconds in INTO_THE_RETURN:
        trial.wait(DEATH if seconds == INTO_THE_RETURN[0] else DEATH - BACK)
        octets = trial.pair.log_octets()
        ends = first.start() + RETURN_PATIENCE
        while not trial.pair.is_returning(octets) and time.monotonic() < ends:
            trial.wait(GLANCE)
        trial.wait(seconds)
        first.end(signal.SIGKILL)
    trial.wait(DEATH)
    first.start()


def power(trial):
    """The first loses power: nothing is heard of it, nothing refuses what is sent to it. It returns."""
    trial.loses_power(trial.pair.first)
    trial.wait(DEATH)
    trial.gets_power(trial.pair.first)


def both(trial):
    """Both lose power, and get it back at once."""
    trial.loses_power(*trial.pair.nodes)
    trial.wait(BLACKOUT)
    trial.gets_power(*trial.pair.nodes)


def older_copy(trial):
    """The first dies and comes back with a copy of its disk that lacks the last changes."""
    first = trial.pair.first
    trial.begin()
    first.end()
    trial.pair.save_disk(first)
    first.start()
    trial.wait(FORGOTTEN)
    first.end(signal.SIGKILL)
    trial.pair.restore_disk(first)
    first.start()


def second_disk(trial):
    """The second loses its disk and comes back; then the first dies."""
    lost_disk(trial, trial.pair.second, trial.pair.first)


def first_disk(trial):
    """The first loses its disk and comes back; then the second dies."""
    lost_disk(trial, trial.pair.first, trial.pair.second)


def lost_disk(trial, replaced, other):
    """One loses its disk and comes back; then the other dies, and comes back."""
    trial.dies(replaced)
    trial.pair.lose_disk(replaced)
    trial.wait(1)
    replaced.start()
    trial.wait(BACK)
    other.end(signal.SIGKILL)
    trial.wait(DEATH)
    other.start()


ALL = {
    "kill": (kill, "kill -9 of the first; back after %d s" % DEATH),
    "heartbeat": (heartbeat, "heartbeat cut for %d s" % CUT),
    "partition": (partition, "partition for %d s" % CUT),
    "return": (deaths_in_return, "the first dies in its return, 3 times"),
    "power": (power, "power-off of the first, %d s" % DEATH),
    "both": (both, "power-off of both, %d s" % BLACKOUT),
    "copy": (older_copy, "older copy of the first's disk"),
    "second-disk": (second_disk, "second's disk lost, then the first dies"),
    "first-disk": (first_disk, "first's disk lost, then the second dies"),
}
