//! What the tests share: the datagrams that the files in `tests/data/failover` hold, and random ones.

use std::path::Path;

use understudy::wire::failover::{Body, Datagram, Header, Kind, PIECE_OCTETS_MAX, PartnerState, Piece, Serves};

use crate::seeded::Seeded;

/// All states of both servers.
pub(crate) const STATES: [PartnerState; 9] = [
    PartnerState::Claiming,
    PartnerState::Receiving,
    PartnerState::Serving,
    PartnerState::Given,
    PartnerState::Syncing,
    PartnerState::Asleep,
    PartnerState::Probing,
    PartnerState::Active,
    PartnerState::Returning,
];

/// All answers to CtlReq.
pub(crate) const SERVES: [Serves; 3] = [Serves::None, Serves::All, Serves::Some];

/// The header of every golden datagram.
pub(crate) fn golden_header() -> Header {
    Header {
        session: 0x1112_1314_1516_1718,
        sequence: 0x2122_2324_2526_2728,
        seen: 0x3132_3334_3536_3738,
        boot: 0x4142_4344_4546_4748,
        partner_boot: 0x5152_5354_5556_5758,
        database: std::array::from_fn(|index| 0x60 + u8::try_from(index).unwrap()),
        partner_database: std::array::from_fn(|index| 0x70 + u8::try_from(index).unwrap()),
        complete: true,
        strict: false,
        state: PartnerState::Serving,
        transfer: 0x0102_0304,
        have_boot: 0x8182_8384_8586_8788,
        have: 0x9192_9394_9596_9798,
        newest: 0xa1a2_a3a4_a5a6_a7a8,
        clock: 0xb1b2_b3b4_b5b6_b7b8,
        config_generation: 0xc1c2_c3c4_c5c6_c7c8,
        config_digest: [0xd1, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8],
        buffer_size: 1024,
    }
}

/// The body of the golden datagram of each kind.
pub(crate) fn golden_body(kind: Kind) -> Body<'static> {
    let digest = std::array::from_fn(|index| 0x80 + u8::try_from(index).unwrap());
    let network = u32::from_be_bytes([192, 0, 2, 0]);
    match kind {
        Kind::Hello => Body::Hello { challenge: 0x0102_0304_0506_0708 },
        Kind::HelloAck => Body::HelloAck { answer: 0x0102_0304_0506_0708, challenge: 0x1112_1314_1516_1718 },
        Kind::HelloEnd => Body::HelloEnd { answer: 0x1112_1314_1516_1718 },
        Kind::Poll => Body::Poll { delay_ms: 60_000, wait_ms: 5_000, retries: 3 },
        Kind::PollRpl => Body::PollRpl { delay_ms: 250 },
        Kind::CtlReq => Body::CtlReq,
        Kind::CtlRet => Body::CtlRet { serves: Serves::Some, changes: 70_000 },
        Kind::SyncReq => Body::SyncReq,
        Kind::SyncStart => Body::SyncStart { changes: 1_000_000 },
        Kind::BindUpdate => {
            Body::BindUpdate(Piece { stream: 0x2122_2324_2526_2728, number: 7, last: true, octets: b"piece" })
        }
        Kind::BindAck => Body::BindAck { stream: 0x2122_2324_2526_2728, next: 8, later: 0x8000_0000_0000_0005 },
        Kind::SubnetReturn => Body::SubnetReturn { transfer: 9, network, prefix: 24, until: 0x3132_3334_3536_3738 },
        Kind::SubnetTaken => Body::SubnetTaken { transfer: 9, network, prefix: 24 },
        Kind::CtlGive => Body::CtlGive { unacked: 12 },
        Kind::CtlTaken => Body::CtlTaken,
        Kind::ShareReq => Body::ShareReq { first: network + 10, last: network + 20, count: 4 },
        Kind::ConfigOffer => Body::ConfigOffer { generation: 13, digest, octets: 14 },
        Kind::ConfigReq => Body::ConfigReq { digest, offset: 15 },
        Kind::ConfigData => Body::ConfigData { digest, offset: 15, total: 19, octets: b"text" },
    }
}

/// The octets of a golden file, the seal included.
pub(crate) fn golden_octets(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/failover").join(name).with_extension("hex");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let words = text.lines().flat_map(|line| line.split('#').next().unwrap().split_whitespace());
    words.map(|word| u8::from_str_radix(word, 16).unwrap()).collect()
}

/// Any header.
pub(crate) fn header(seeded: &mut Seeded) -> Header {
    Header {
        session: seeded.number(),
        sequence: seeded.number(),
        seen: seeded.number(),
        boot: seeded.number(),
        partner_boot: seeded.number(),
        database: seeded.octets(16).try_into().unwrap(),
        partner_database: seeded.octets(16).try_into().unwrap(),
        complete: seeded.once_in(2),
        strict: seeded.once_in(2),
        state: STATES[seeded.below(STATES.len())],
        transfer: word(seeded),
        have_boot: seeded.number(),
        have: seeded.number(),
        newest: seeded.number(),
        clock: seeded.number(),
        config_generation: seeded.number(),
        config_digest: seeded.octets(8).try_into().unwrap(),
        buffer_size: u16::from_be_bytes([seeded.octet(), seeded.octet()]),
    }
}

/// Octets for a piece: mostly few, sometimes as many as there can be, sometimes text.
pub(crate) fn octets(seeded: &mut Seeded) -> Vec<u8> {
    match seeded.below(8) {
        0 => Vec::new(),
        1 => seeded.octets(PIECE_OCTETS_MAX),
        2 => seeded.text(64),
        _ => {
            let length = seeded.below(1500);
            seeded.octets(length)
        }
    }
}

/// Any body of a kind, around these octets where it has some.
pub(crate) fn body<'a>(kind: Kind, seeded: &mut Seeded, octets: &'a [u8]) -> Body<'a> {
    let digest = seeded.octets(32).try_into().unwrap();
    let long = seeded.number();
    let other = seeded.number();
    let [one, two, three] = std::array::from_fn(|_| word(seeded));
    let prefix = u8::try_from(seeded.below(33)).unwrap();
    match kind {
        Kind::Hello => Body::Hello { challenge: long },
        Kind::HelloAck => Body::HelloAck { answer: long, challenge: other },
        Kind::HelloEnd => Body::HelloEnd { answer: long },
        Kind::Poll => Body::Poll { delay_ms: one, wait_ms: two, retries: seeded.octet() },
        Kind::PollRpl => Body::PollRpl { delay_ms: one },
        Kind::CtlReq => Body::CtlReq,
        Kind::CtlRet => Body::CtlRet { serves: SERVES[seeded.below(SERVES.len())], changes: long },
        Kind::SyncReq => Body::SyncReq,
        Kind::SyncStart => Body::SyncStart { changes: long },
        Kind::BindUpdate => Body::BindUpdate(Piece { stream: long, number: one, last: seeded.once_in(2), octets }),
        Kind::BindAck => Body::BindAck { stream: long, next: one, later: other },
        Kind::SubnetReturn => Body::SubnetReturn { transfer: one, network: two, prefix, until: long },
        Kind::SubnetTaken => Body::SubnetTaken { transfer: one, network: two, prefix },
        Kind::CtlGive => Body::CtlGive { unacked: long },
        Kind::CtlTaken => Body::CtlTaken,
        Kind::ShareReq => Body::ShareReq { first: one.min(two), last: one.max(two), count: three },
        Kind::ConfigOffer => Body::ConfigOffer { generation: long, digest, octets: one },
        Kind::ConfigReq => Body::ConfigReq { digest, offset: one },
        Kind::ConfigData => Body::ConfigData { digest, offset: one, total: two, octets },
    }
}

/// Any datagram of a kind, around these octets where it has some.
pub(crate) fn datagram<'a>(kind: Kind, seeded: &mut Seeded, octets: &'a [u8]) -> Datagram<'a> {
    Datagram { header: header(seeded), body: body(kind, seeded, octets) }
}

fn word(seeded: &mut Seeded) -> u32 {
    u32::try_from(seeded.number() >> 32).unwrap()
}
