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
    /// SyncBindingBufSize differs at the two servers of a channel, until the next reload of one of them.
    BufferSizes,
    /// A server has a wrong key for a while, or the key is changed step by step.
    Keys,
    /// A second failover claims a primary that has one.
    TwoFailovers,
    /// Two subnets of a primary share a link.
    SharedNetworks,
    /// Ended leases are deleted (ActiveLeaseExpiration = Full_delete).
    FullDelete,
    /// The failover ends when its first sync fails (SyncFailCritical), and it is started while a primary is not heard.
    SyncCritical,
    /// The failover waits for its first sync for ever (WaitSyncStartSecs = 0), and it is started while a primary is not
    /// heard; an operator's takeover ends the wait.
    SyncForEver,
}

impl Fault {
    /// All kinds with their names, as reports and `FAULTS=` use them.
    pub(crate) const ALL: [(Fault, &'static str); 28] = [
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
        (Fault::BufferSizes, "buffer-sizes"),
        (Fault::Keys, "keys"),
        (Fault::TwoFailovers, "two-failovers"),
        (Fault::SharedNetworks, "shared-networks"),
        (Fault::FullDelete, "full-delete"),
        (Fault::SyncCritical, "sync-critical"),
        (Fault::SyncForEver, "sync-for-ever"),
    ];
    /// So many of them, from the first on, are of networks, machines and people; the rest are of configurations.
    const COMMON: usize = 21;

    /// The kinds of a group, by its name.
    pub(crate) fn group(name: &str) -> Option<Vec<Fault>> {
        let count = match name {
            "all" => Fault::ALL.len(),
            "common" => Fault::COMMON,
            _ => return None,
        };
        Some(Fault::ALL[..count].iter().map(|entry| entry.0).collect())
    }

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
    /// The mix that belongs to a seed: of 300 seeds in a row some 60 have one kind alone, 180 a pair, 60 all. A quarter
    /// of the single ones and about half of the pairs are, or have, a kind that is of configurations.
    pub(crate) fn of(seed: u64) -> Mix {
        let (common, special) = Fault::ALL.split_at(Fault::COMMON);
        let kinds = common.len() as u64;
        let strict = if seed.is_multiple_of(2) { Strict::Yes } else { Strict::No };
        let round = seed / 5;
        let faults = match seed % 5 {
            0 if round % 4 == 3 => vec![special[(round / 4) as usize % special.len()].0],
            0 => vec![common[(round % kinds) as usize].0],
            1 => Fault::ALL.iter().map(|entry| entry.0).collect(),
            _ => {
                let mut random = Random::new(seed ^ 0xA11);
                let one = random.below(kinds);
                let other = (one + 1 + random.below(kinds - 1)) % kinds;
                let mut pair = [common[one as usize].0, common[other as usize].0];
                // With numbers of its own: a pair without such a kind is what it would be if there were none.
                let mut random = Random::new(seed ^ 0xC0F);
                let at = random.below(special.len() as u64) as usize;
                let next = (at + 1 + random.below(special.len() as u64 - 1) as usize) % special.len();
                match random.below(20) {
                    0..=7 => pair[1] = special[at].0,
                    8..=9 => pair = [special[at].0, special[next].0],
                    _ => {}
                }
                pair.to_vec()
            }
        };
        Mix { faults, strict }
    }

    /// Whether a kind of fault may happen.
    pub(crate) fn has(&self, fault: Fault) -> bool {
        self.faults.contains(&fault)
    }

    /// How often, in a hundred sites, one has a property which its mix allows: always where that is much of the mix.
    pub(crate) fn often(&self) -> u64 {
        if self.faults.len() > 2 { 50 } else { 100 }
    }

    /// Its kinds of faults, by name.
    pub(crate) fn names(&self) -> String {
        if let Some(name) = ["all", "common"].into_iter().find(|name| Fault::group(name).as_ref() == Some(&self.faults))
        {
            return name.to_owned();
        }
        self.faults.iter().map(|fault| fault.name()).collect::<Vec<_>>().join(",")
    }
}
