//! Journal records as text and as JSON. Pure.
//!
//! Text from clients is escaped in both, so that it can neither break a line nor steer a terminal.

use std::fmt::Write;

use crate::clock::Wall;
use crate::clock::calendar::rfc3339;
use crate::json::quoted as json_text;
use crate::lease::record::{Complete, Record};
use crate::lease::reservations::Promised;
use crate::lease::{Binding, BindingState, Hardware, Side};

/// One record in one line for people.
pub(super) fn text_record(record: &Record<'_>) -> String {
    match record {
        Record::Binding(binding) => text_binding(binding),
        Record::Identity { database, complete } => {
            format!("database {}, {}", hex(database, ""), completeness(*complete))
        }
        Record::Boot { boot, newest_before } => {
            format!("boot {boot:016x}, newest stamp before {:016x}", newest_before.0)
        }
        Record::Channel(channel) => format!(
            "partner {}, state {}, database {}, held to {:016x} of boot {:016x}",
            channel.name,
            channel.state,
            hex(&channel.database, ""),
            channel.have.0,
            channel.have_boot
        ),
        Record::Share(share) => format!(
            "share {} to {}, owner {}, origin {}, stamp {:016x}",
            share.first, share.last, share.owner, share.origin, share.stamp.0
        ),
        Record::Reservation { address, promised } => format!("reservation {address}, {}", promise(*promised)),
        Record::CopyEnd { newest } => format!("end of a copy, newest stamp {:016x}", newest.0),
        Record::Seen { stamp } => format!("the receiver's changes were held up to {:016x}", stamp.0),
    }
}

/// The members of a JSON object for one record, without its braces. Names are those of `leases --json`.
pub(super) fn json_record(record: &Record<'_>) -> String {
    match record {
        Record::Binding(binding) => json_binding(binding),
        Record::Identity { database, complete } => {
            let complete = *complete == Complete::Yes;
            format!("\"kind\":\"identity\",\"database\":\"{}\",\"complete\":{complete}", hex(database, ""))
        }
        Record::Boot { boot, newest_before } => {
            format!("\"kind\":\"boot\",\"boot\":\"{boot:016x}\",\"newest_before\":\"{:016x}\"", newest_before.0)
        }
        Record::Channel(channel) => format!(
            "\"kind\":\"partner\",\"name\":{},\"state\":{},\"database\":\"{}\",\
             \"have_boot\":\"{:016x}\",\"have\":\"{:016x}\"",
            json_text(channel.name),
            channel.state,
            hex(&channel.database, ""),
            channel.have_boot,
            channel.have.0
        ),
        Record::Share(share) => format!(
            "\"kind\":\"share\",\"first\":\"{}\",\"last\":\"{}\",\
             \"owner\":\"{}\",\"origin\":\"{}\",\"stamp\":\"{:016x}\"",
            share.first, share.last, share.owner, share.origin, share.stamp.0
        ),
        Record::Reservation { address, promised } => {
            format!("\"kind\":\"reservation\",\"address\":\"{address}\",\"host\":\"{}\"", promise(*promised))
        }
        Record::CopyEnd { newest } => format!("\"kind\":\"copy-end\",\"newest\":\"{:016x}\"", newest.0),
        Record::Seen { stamp } => format!("\"kind\":\"seen\",\"stamp\":\"{:016x}\"", stamp.0),
    }
}

/// The host of a reservation that a partner may go by.
fn promise(promised: Option<Promised>) -> String {
    match promised {
        None => "none".to_owned(),
        Some(Promised::Several) => "several".to_owned(),
        Some(promised @ Promised::To(_)) => format!("{:016x}", promised.number()),
    }
}

/// A time as RFC 3339 writes it, in UTC with milliseconds left out when they are zero; or `never`.
fn moment(time: Wall) -> String {
    if time == Wall::NEVER {
        return "never".to_owned();
    }
    let (text, rest) = (rfc3339(time), time.millis() % 1000);
    if rest == 0 { text } else { format!("{}.{rest:03}Z", text.trim_end_matches('Z')) }
}

fn text_binding(binding: &Binding<'_>) -> String {
    let mut line = format!("{} {}", binding.address, state(binding.state));
    let mut add = |name: &str, value: String| {
        // Writing to a String cannot fail.
        let _ = write!(line, ", {name} {value}");
    };
    let client = &binding.client;
    if let Some(identifier) = client.identifier {
        add("client id", hex(identifier, ":"));
    }
    if let Some(address) = client.hardware {
        add("hardware", hardware(&address));
    }
    if let Some(host_name) = client.host_name {
        add("host name", format!("\"{}\"", host_name.escape_ascii()));
    }
    if let Some(relay) = client.relay_information {
        add("relay", hex(relay, ":"));
    }
    let times = [("start", binding.start), ("end", binding.end), ("seen", binding.last_seen), ("bar", binding.bar)];
    for (name, time) in times.into_iter().filter(|(_, time)| *time != Wall::default()) {
        add(name, moment(time));
    }
    add("owner", side(binding.owner).to_owned());
    add("origin", side(binding.origin).to_owned());
    add("stamp", format!("{:016x}", binding.stamp.0));
    line
}

fn json_binding(binding: &Binding<'_>) -> String {
    let client = &binding.client;
    let quoted = |text: Option<String>| text.map_or_else(|| "null".to_owned(), |text| json_text(&text));
    let time = |time: Wall| quoted((time != Wall::default()).then(|| moment(time)));
    let octets = |value: Option<&[u8]>| quoted(value.map(|value| hex(value, ":")));
    let host_name = client.host_name.map(|name| String::from_utf8_lossy(name).into_owned());
    let members = [
        ("kind", json_text("binding")),
        ("address", json_text(&binding.address.to_string())),
        ("state", json_text(state(binding.state))),
        ("client_id", octets(client.identifier)),
        ("hardware", quoted(client.hardware.as_ref().map(hardware))),
        ("hostname", quoted(host_name)),
        ("relay", octets(client.relay_information)),
        ("start", time(binding.start)),
        ("end", time(binding.end)),
        ("last_seen", time(binding.last_seen)),
        ("bar", time(binding.bar)),
        ("owner", json_text(side(binding.owner))),
        ("origin", json_text(side(binding.origin))),
        ("stamp", json_text(&format!("{:016x}", binding.stamp.0))),
    ];
    members.map(|(name, value)| format!("\"{name}\":{value}")).join(",")
}

/// An Ethernet address plain, any other with its type in front, as in `6/00:11:22`.
fn hardware(hardware: &Hardware<'_>) -> String {
    let address = hex(hardware.address, ":");
    if hardware.htype == 1 { address } else { format!("{}/{address}", hardware.htype) }
}

fn hex(octets: &[u8], between: &str) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect::<Vec<_>>().join(between)
}

fn state(state: BindingState) -> &'static str {
    match state {
        BindingState::Free => "free",
        BindingState::Leased => "leased",
        BindingState::Released => "released",
        BindingState::Unavailable => "unavailable",
    }
}

fn side(side: Side) -> &'static str {
    match side {
        Side::Primary => "primary",
        Side::Secondary => "secondary",
    }
}

fn completeness(complete: Complete) -> &'static str {
    match complete {
        Complete::Yes => "complete",
        Complete::No => "not complete",
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::lease::{Client, Stamp};

    fn binding() -> Binding<'static> {
        Binding {
            address: Ipv4Addr::new(10, 1, 0, 50),
            state: BindingState::Leased,
            origin: Side::Primary,
            owner: Side::Secondary,
            start: Wall::from_secs(951_827_696),
            end: Wall::NEVER,
            last_seen: Wall::from_millis(951_827_696_500),
            bar: Wall::default(),
            stamp: Stamp(7),
            client: Client {
                identifier: Some(&[1, 2, 0xff]),
                hardware: Some(Hardware { htype: 6, address: &[2, 0, 1] }),
                host_name: Some(b"a\"\x1b[2J"),
                relay_information: None,
            },
        }
    }

    #[test]
    fn a_binding_is_one_line_that_no_client_can_break() {
        assert_eq!(
            text_record(&Record::Binding(binding())),
            "10.1.0.50 leased, client id 01:02:ff, hardware 6/02:00:01, host name \"a\\\"\\x1b[2J\", \
             start 2000-02-29T12:34:56Z, end never, seen 2000-02-29T12:34:56.500Z, owner secondary, \
             origin primary, stamp 0000000000000007"
        );
    }

    #[test]
    fn a_binding_is_one_json_object() {
        assert_eq!(
            json_record(&Record::Binding(binding())),
            "\"kind\":\"binding\",\"address\":\"10.1.0.50\",\"state\":\"leased\",\"client_id\":\"01:02:ff\",\
             \"hardware\":\"6/02:00:01\",\"hostname\":\"a\\\"\\u001b[2J\",\"relay\":null,\
             \"start\":\"2000-02-29T12:34:56Z\",\"end\":\"never\",\"last_seen\":\"2000-02-29T12:34:56.500Z\",\
             \"bar\":null,\"owner\":\"secondary\",\"origin\":\"primary\",\"stamp\":\"0000000000000007\""
        );
    }

    #[test]
    fn a_moment_has_its_milliseconds_where_there_are_any() {
        assert_eq!(moment(Wall::from_millis(951_827_696_005)), "2000-02-29T12:34:56.005Z");
        assert_eq!(moment(Wall::from_secs(951_827_696)), "2000-02-29T12:34:56Z");
        assert_eq!(moment(Wall::NEVER), "never");
    }
}
