//! Counters: one for each thing that happens to a packet, and one for each reason why nothing does.

/// Why a packet got no answer. Each packet without an answer counts exactly one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Silence {
    /// Shorter than a message, or cut inside an option.
    Malformed,
    /// No magic cookie.
    NoCookie,
    /// `op` is not BOOTREQUEST.
    NotARequest,
    /// A message type that no client sends.
    UnknownType,
    /// More than 16 relays (RFC 1542 section 4.1.1).
    TooManyHops,
    /// Neither hardware address nor client identifier.
    NoIdentity,
    /// Hardware address all zero (DropZeroMacAddressPackets).
    ZeroMac,
    /// The same transaction again (CheckTransactionID).
    RepeatedTransaction,
    /// No subnet belongs to the relay, selection or interface that it came by.
    NoSubnet,
    /// No [Host], where RegisteredClientsOnly is set.
    Unregistered,
    /// Every address of the link that this client may have is taken.
    NoFreeAddress,
    /// Waiting for the answer to a ping before the address is offered.
    AwaitingPing,
    /// Waiting for addresses that the partner was asked for; the message is kept for a moment.
    AwaitingPartner,
    /// More pings under way than are kept in mind.
    TooManyPings,
    /// The client chose another server.
    OtherServer,
    /// INIT-REBOOT or renewal of a client that is not known, for an address that is not known to be wrong.
    UnknownClient,
    /// An address that is not ours, and NakUnknownClients is off.
    NotOurAddress,
    /// The address is another client's, and NackDhcpRequestsForDuplicates is off.
    Duplicate,
    /// A REQUEST without requested address and without `ciaddr`, and the like.
    Incomplete,
    /// A DECLINE or RELEASE that fits no binding of this client, or names another server.
    NoSuchBinding,
    /// DropAllDhcpInformPackets.
    InformDropped,
    /// BOOTP without a [Host] and without AutomaticBootp.
    NoBootp,
    /// RELEASE and DECLINE are never answered.
    NeverAnswered,
    /// The journal has no room; see the log.
    JournalFull,
    /// The partner serves this subnet, or nobody was given the right to.
    Asleep,
    /// The subnet is on its way here; the message is kept for a moment.
    Arriving,
    /// A refusal that only the partner could prove (failover.md section 7, rule 6).
    Unproven,
    /// No address is left that is surely nobody's, and StrictShares is set.
    NotOurs,
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Counter {
    /// DHCPDISCOVER in.
    Discover,
    /// DHCPREQUEST in.
    Request,
    /// DHCPDECLINE in.
    Decline,
    /// DHCPRELEASE in.
    Release,
    /// DHCPINFORM in.
    Inform,
    /// BOOTREQUEST in.
    Bootp,
    /// DHCPOFFER out.
    Offer,
    /// DHCPACK out.
    Ack,
    /// DHCPNAK out.
    Nak,
    /// BOOTREPLY out.
    BootReply,
    /// Echo requests out.
    Ping,
    /// Echo requests that were answered: the address is in use.
    PingAnswered,
    /// Replies that left options out for want of room.
    OptionsLeftOut,
    /// Replies that left option 82 out for want of room (RFC 3046 section 2.2).
    RelayInformationLeftOut,
    /// Addresses given out of contact that the partner might have given too; each was pinged first.
    UnsettledGrants,
    /// Offers dropped because too many were held.
    OffersDropped,
    /// A reason for silence.
    Silent(Silence),
}

/// All counters with their names, in the order of reports.
pub const ALL: [(Counter, &str); 44] = [
    (Counter::Discover, "discover"),
    (Counter::Request, "request"),
    (Counter::Decline, "decline"),
    (Counter::Release, "release"),
    (Counter::Inform, "inform"),
    (Counter::Bootp, "bootp"),
    (Counter::Offer, "offer"),
    (Counter::Ack, "ack"),
    (Counter::Nak, "nak"),
    (Counter::BootReply, "bootreply"),
    (Counter::Ping, "ping"),
    (Counter::PingAnswered, "ping-answered"),
    (Counter::OptionsLeftOut, "options-left-out"),
    (Counter::RelayInformationLeftOut, "relay-information-left-out"),
    (Counter::OffersDropped, "offers-dropped"),
    (Counter::Silent(Silence::Malformed), "silent-malformed"),
    (Counter::Silent(Silence::NoCookie), "silent-no-cookie"),
    (Counter::Silent(Silence::NotARequest), "silent-not-a-request"),
    (Counter::Silent(Silence::UnknownType), "silent-unknown-type"),
    (Counter::Silent(Silence::TooManyHops), "silent-too-many-hops"),
    (Counter::Silent(Silence::NoIdentity), "silent-no-identity"),
    (Counter::Silent(Silence::ZeroMac), "silent-zero-mac"),
    (Counter::Silent(Silence::RepeatedTransaction), "silent-repeated-transaction"),
    (Counter::Silent(Silence::NoSubnet), "silent-no-subnet"),
    (Counter::Silent(Silence::Unregistered), "silent-unregistered"),
    (Counter::Silent(Silence::NoFreeAddress), "silent-no-free-address"),
    (Counter::Silent(Silence::AwaitingPing), "silent-awaiting-ping"),
    (Counter::Silent(Silence::AwaitingPartner), "silent-awaiting-partner"),
    (Counter::Silent(Silence::TooManyPings), "silent-too-many-pings"),
    (Counter::Silent(Silence::OtherServer), "silent-other-server"),
    (Counter::Silent(Silence::UnknownClient), "silent-unknown-client"),
    (Counter::Silent(Silence::NotOurAddress), "silent-not-our-address"),
    (Counter::Silent(Silence::Duplicate), "silent-duplicate"),
    (Counter::Silent(Silence::Incomplete), "silent-incomplete"),
    (Counter::Silent(Silence::NoSuchBinding), "silent-no-such-binding"),
    (Counter::Silent(Silence::InformDropped), "silent-inform-dropped"),
    (Counter::Silent(Silence::NoBootp), "silent-no-bootp"),
    (Counter::Silent(Silence::NeverAnswered), "silent-never-answered"),
    (Counter::Silent(Silence::JournalFull), "silent-journal-full"),
    (Counter::Silent(Silence::Asleep), "silent-asleep"),
    (Counter::Silent(Silence::Arriving), "silent-arriving"),
    (Counter::Silent(Silence::Unproven), "silent-unproven"),
    (Counter::Silent(Silence::NotOurs), "silent-not-ours"),
    (Counter::UnsettledGrants, "unsettled-grants"),
];

impl Counter {
    fn index(self) -> usize {
        ALL.iter().position(|entry| entry.0 == self).expect("every counter stands in the list")
    }
}

/// The counts since the start of the server.
#[derive(Clone, Debug)]
pub struct Counters {
    counts: [u64; ALL.len()],
}

impl Default for Counters {
    fn default() -> Counters {
        Counters { counts: [0; ALL.len()] }
    }
}

impl Counters {
    /// Counts one.
    pub fn count(&mut self, counter: Counter) {
        self.counts[counter.index()] += 1;
    }

    /// How often `counter` was counted.
    #[must_use]
    pub fn of(&self, counter: Counter) -> u64 {
        self.counts[counter.index()]
    }

    /// Names and counts, in the order of reports.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
        ALL.iter().zip(self.counts).map(|(entry, count)| (entry.1, count))
    }
}

/// The name of a reason for silence, as reports and log lines use it.
#[must_use]
pub fn silence_name(silence: Silence) -> &'static str {
    let name = ALL[Counter::Silent(silence).index()].1;
    name.strip_prefix("silent-").unwrap_or(name)
}
