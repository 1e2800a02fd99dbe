//! Which faults a run may have: each kind alone, pairs of kinds, all together.

use super::random::Random;

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Fault {
    /// The heartbeat is cut, both ways.
    Cut,
    /// The heartbeat is cut one way.
    CutOneWay,
    /// The way between a server and its clients is cut, or all ways of one client.
    CutClients,
    /// Loss, delay, copies and overtaking on the heartbeat and the ways of clients.
    Noise,
    /// Damaged, forged and replayed datagrams on the heartbeat.
    Forged,
    /// A server's process is killed.
    Kill,
    /// A server's power is cut, with whatever the disk makes of it.
    Power,
    /// The power of both servers of a channel is cut.
    PowerOfBoth,
    /// A sync of the disk fails.
    SyncFails,
    /// A sync takes long.
    SyncStalls,
    /// The disk is full for a while.
    DiskFull,
    /// The disk is lost: the folder is empty.
    DiskLost,
    /// An older copy of the disk is put in its place.
    DiskOlder,
    /// A process stands still for a while, then finds what has come meanwhile.
    Freeze,
    /// The wall clock of a server is put forward or back, by seconds or hours.
    ClockStep,
    /// A reload with other shares, ranges, reservations, subnets.
    Reload,
    /// A planned stop, and a start some time later.
    Stop,
    /// An operator's takeover and giveback.
    Drill,
    /// An operator's partner-down and partner-up.
    PartnerDown,
    /// Clients that do not keep to the protocol.
    RudeClients,
    /// Clients that vanish, come back, move.
    Roaming,
}

impl Fault {
    /// All kinds with their names, as reports and `FAULTS=` use them.
    pub(crate) const ALL: [(Fault, &'static str); 21] = [
        (Fault::Cut, "cut"),
        (Fault::CutOneWay, "cut-one-way"),
        (Fault::CutClients, "cut-clients"),
        (Fault::Noise, "noise"),
        (Fault::Forged, "forged"),
        (Fault::Kill, "kill"),
        (Fault::Power, "power"),
        (Fault::PowerOfBoth, "power-of-both"),
        (Fault::SyncFails, "sync-fails"),
        (Fault::SyncStalls, "sync-stalls"),
        (Fault::DiskFull, "disk-full"),
        (Fault::DiskLost, "disk-lost"),
        (Fault::DiskOlder, "disk-older"),
        (Fault::Freeze, "freeze"),
        (Fault::ClockStep, "clock-step"),
        (Fault::Reload, "reload"),
        (Fault::Stop, "stop"),
        (Fault::Drill, "drill"),
        (Fault::PartnerDown, "partner-down"),
        (Fault::RudeClients, "rude-clients"),
        (Fault::Roaming, "roaming"),
    ];

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        Fault::ALL.iter().find(|entry| entry.0 == self).map_or("", |entry| entry.1)
    }

    /// The kind of that name.
    pub(crate) fn named(name: &str) -> Option<Fault> {
        Fault::ALL.iter().find(|entry| entry.1 == name).map(|entry| entry.0)
    }
}

/// How the pairs treat addresses that are not surely theirs (StrictShares).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strict {
    /// Silent.
    Yes,
    /// Ping first, then give.
    No,
}

/// What a run is made of, besides its seed.
#[derive(Clone, Debug)]
pub(crate) struct Mix {
    /// Kinds of faults that happen.
    pub(crate) faults: Vec<Fault>,
    /// StrictShares.
    pub(crate) strict: Strict,
}

impl Mix {
    /// The mix that belongs to a seed: of 300 seeds in a row some 60 have one kind alone, 180 a pair, 60 all.
    pub(crate) fn of(seed: u64) -> Mix {
        let kinds = Fault::ALL.len() as u64;
        let strict = if seed.is_multiple_of(2) { Strict::Yes } else { Strict::No };
        let round = seed / 5;
        let faults = match seed % 5 {
            0 => vec![Fault::ALL[(round % kinds) as usize].0],
            1 => Fault::ALL.iter().map(|entry| entry.0).collect(),
            _ => {
                let mut random = Random::new(seed ^ 0xA11);
                let one = random.below(kinds);
                let other = (one + 1 + random.below(kinds - 1)) % kinds;
                vec![Fault::ALL[one as usize].0, Fault::ALL[other as usize].0]
            }
        };
        Mix { faults, strict }
    }

    /// Whether a kind of fault may happen.
    pub(crate) fn has(&self, fault: Fault) -> bool {
        self.faults.contains(&fault)
    }

    /// Its kinds of faults, by name.
    pub(crate) fn names(&self) -> String {
        if self.faults.len() == Fault::ALL.len() {
            return "all".to_owned();
        }
        self.faults.iter().map(|fault| fault.name()).collect::<Vec<_>>().join(",")
    }
}
