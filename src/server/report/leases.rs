//! `understudyctl leases` and `lease`.

use std::io::Write;
use std::net::Ipv4Addr;

use super::{CHUNK, Format, SLICE, moment};
use crate::clock::{Now, Wall};
use crate::json::{self, Object};
use crate::lease::{Binding, BindingState, ClientKey, Hardware, Side};
use crate::server::request::hex;
use crate::server::service::Service;
use crate::wire::relay::RelayInformation;

/// Ethernet.
const HTYPE_ETHERNET: u8 = 1;
const CSV_HEAD: &str = "address,state,client_id,hardware,hostname,start,end,subnet,owner,origin\n";

/// A list of leases that is being written.
#[derive(Clone, Debug)]
pub(super) struct LeaseList {
    format: Format,
    which: Which,
    /// Next slot of the lease table.
    cursor: usize,
    head: Head,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    Active,
    All,
    Subnet(usize),
}

/// What stands before the next row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Head {
    ToCome,
    Written,
    RowsWritten,
}

impl LeaseList {
    pub(super) fn active(format: Format) -> LeaseList {
        LeaseList::new(format, Which::Active)
    }

    pub(super) fn all(format: Format) -> LeaseList {
        LeaseList::new(format, Which::All)
    }

    pub(super) fn of_subnet(format: Format, subnet: usize) -> LeaseList {
        LeaseList::new(format, Which::Subnet(subnet))
    }

    fn new(format: Format, which: Which) -> LeaseList {
        LeaseList { format, which, cursor: 0, head: Head::ToCome }
    }

    /// Writes the next slice; returns itself while there is more.
    pub(super) fn slice(mut self, now: Now, service: &Service, text: &mut Vec<u8>) -> Option<LeaseList> {
        if self.head == Head::ToCome {
            self.begin(text);
        }
        let table = service.bindings.table();
        for binding in table.slots(self.cursor, SLICE) {
            self.cursor += 1;
            if self.is_wanted(&binding, now.wall, service) {
                self.row(&Row::new(&binding, now.wall, service), text);
            }
            if text.len() >= CHUNK {
                return Some(self);
            }
        }
        if self.cursor < table.len() {
            return Some(self);
        }
        if self.format == Format::Json {
            text.extend_from_slice(b"\n]\n");
        }
        None
    }

    fn is_wanted(&self, binding: &Binding<'_>, now: Wall, service: &Service) -> bool {
        match self.which {
            Which::Active => binding.is_active(now),
            Which::All => binding.state != BindingState::Free,
            Which::Subnet(subnet) => {
                binding.is_active(now) && service.directory.subnet_of(binding.address) == Some(subnet)
            }
        }
    }

    fn begin(&mut self, text: &mut Vec<u8>) {
        self.head = Head::Written;
        match self.format {
            Format::Json => text.push(b'['),
            Format::Csv => text.extend_from_slice(CSV_HEAD.as_bytes()),
            Format::Text => {
                let _ = writeln!(
                    text,
                    "{:<15} {:<11} {:<20} {:<20} {:<20} CLIENT ID / HOST NAME",
                    "ADDRESS", "STATE", "HARDWARE", "START", "END"
                );
            }
        }
    }

    fn row(&mut self, row: &Row, text: &mut Vec<u8>) {
        match self.format {
            Format::Json => {
                let mut first = self.head != Head::RowsWritten;
                json::comma(&mut first, text);
                row.json(text);
            }
            Format::Csv => row.csv(text),
            Format::Text => row.line(text),
        }
        self.head = Head::RowsWritten;
    }
}

/// One binding as texts.
struct Row {
    address: Ipv4Addr,
    state: &'static str,
    client_id: Option<String>,
    hardware: Option<String>,
    host_name: Option<String>,
    circuit_id: Option<String>,
    remote_id: Option<String>,
    start: String,
    end: String,
    last_seen: String,
    subnet: Option<String>,
    owner: Side,
    origin: Side,
}

impl Row {
    fn new(binding: &Binding<'_>, now: Wall, service: &Service) -> Row {
        let client = &binding.client;
        let relay = client.relay_information.map(RelayInformation::new);
        let subnet = service.directory.subnet_of(binding.address);
        Row {
            address: binding.address,
            state: state(binding, now),
            client_id: client.identifier.map(octets),
            hardware: client.hardware.map(hardware_text),
            host_name: client.host_name.map(|name| String::from_utf8_lossy(name).into_owned()),
            circuit_id: relay.and_then(|relay| relay.circuit_id()).map(octets),
            remote_id: relay.and_then(|relay| relay.remote_id()).map(octets),
            start: moment(binding.start),
            end: moment(binding.end),
            last_seen: moment(binding.last_seen),
            subnet: subnet.map(|index| service.directory.subnet(index).network.to_string()),
            owner: binding.owner,
            origin: binding.origin,
        }
    }

    fn json(&self, text: &mut Vec<u8>) {
        let mut object = Object::begin(text);
        object.text("address", &self.address.to_string());
        object.text("state", self.state);
        object.optional("client_id", self.client_id.as_deref());
        object.optional("hardware", self.hardware.as_deref());
        object.optional("hostname", self.host_name.as_deref());
        object.text("start", &self.start);
        object.text("end", &self.end);
        object.text("last_seen", &self.last_seen);
        object.optional("subnet", self.subnet.as_deref());
        object.text("owner", &self.owner.to_string());
        object.text("origin", &self.origin.to_string());
        object.optional("circuit_id", self.circuit_id.as_deref());
        object.optional("remote_id", self.remote_id.as_deref());
        object.end();
    }

    fn csv(&self, text: &mut Vec<u8>) {
        let fields = [
            &self.address.to_string(),
            self.state,
            self.client_id.as_deref().unwrap_or(""),
            self.hardware.as_deref().unwrap_or(""),
            &quoted(self.host_name.as_deref().unwrap_or("")),
            &self.start,
            &self.end,
            self.subnet.as_deref().unwrap_or(""),
            &self.owner.to_string(),
            &self.origin.to_string(),
        ];
        text.extend_from_slice(fields.join(",").as_bytes());
        text.push(b'\n');
    }

    fn line(&self, text: &mut Vec<u8>) {
        let who = [self.client_id.as_deref(), self.host_name.as_deref()];
        let who: Vec<String> = who.into_iter().flatten().map(|part| part.escape_debug().to_string()).collect();
        let hardware = self.hardware.as_deref().unwrap_or("-");
        let line = format!(
            "{:<15} {:<11} {hardware:<20} {:<20} {:<20} {}",
            self.address.to_string(),
            self.state,
            self.start,
            self.end,
            who.join(" ")
        );
        text.extend_from_slice(line.trim_end().as_bytes());
        text.push(b'\n');
    }

    fn paragraph(&self, text: &mut Vec<u8>) {
        let fields = [
            ("address", Some(self.address.to_string())),
            ("state", Some(self.state.to_owned())),
            ("client id", self.client_id.clone()),
            ("hardware", self.hardware.clone()),
            ("host name", self.host_name.as_ref().map(|name| name.escape_debug().to_string())),
            ("circuit id", self.circuit_id.clone()),
            ("remote id", self.remote_id.clone()),
            ("start", Some(self.start.clone())),
            ("end", Some(self.end.clone())),
            ("last seen", Some(self.last_seen.clone())),
            ("subnet", self.subnet.clone()),
            ("owner", Some(self.owner.to_string())),
            ("origin", Some(self.origin.to_string())),
        ];
        for (name, value) in fields {
            if let Some(value) = value {
                let _ = writeln!(text, "{name:<11} {value}");
            }
        }
    }
}

/// `understudyctl lease ADDRESS|MAC|CLIENTID`: everything known of it.
pub(super) fn one(
    now: Now,
    service: &Service,
    (asked, format): (&str, Format),
    text: &mut Vec<u8>,
) -> Result<(), String> {
    let rows = find(now, service, asked)?;
    if rows.is_empty() {
        return Err(format!("nothing is known of {asked}"));
    }
    if format == Format::Json {
        let mut first = true;
        text.push(b'[');
        for row in &rows {
            json::comma(&mut first, text);
            row.json(text);
        }
        text.extend_from_slice(b"\n]\n");
        return Ok(());
    }
    for (index, row) in rows.iter().enumerate() {
        if index > 0 {
            text.push(b'\n');
        }
        row.paragraph(text);
    }
    Ok(())
}

fn find(now: Now, service: &Service, asked: &str) -> Result<Vec<Row>, String> {
    let table = service.bindings.table();
    let row = |binding: Binding<'_>| Row::new(&binding, now.wall, service);
    if let Ok(address) = asked.parse::<Ipv4Addr>() {
        let mut rows: Vec<Row> = table.find(address).map(row).into_iter().collect();
        if let Some(offer) = service.bindings.offers().of_address(address)
            && let Some(known) = rows.first_mut()
        {
            known.state = "offered";
            known.address = offer.address;
        }
        return Ok(rows);
    }
    let key = parse_hex(asked).ok_or_else(|| {
        format!("{asked} is neither an address nor a hardware address or client identifier in hexadecimal")
    })?;
    let hardware = Hardware { htype: HTYPE_ETHERNET, address: &key };
    let keys = [ClientKey::Identifier(&key), ClientKey::Hardware(hardware)];
    let mut rows: Vec<Row> = keys.into_iter().flat_map(|key| table.of_client(key)).map(row).collect();
    if rows.is_empty() {
        // A client known by its identifier may be asked for by its hardware address: that needs a walk.
        let has_it = |binding: &Binding<'_>| binding.client.hardware.is_some_and(|known| known.address == key);
        rows = table.slots(0, table.len()).filter(has_it).map(row).collect();
    }
    Ok(rows)
}

fn state(binding: &Binding<'_>, now: Wall) -> &'static str {
    match binding.state {
        BindingState::Leased if binding.is_active(now) => "active",
        BindingState::Leased => "expired",
        BindingState::Released => "released",
        BindingState::Unavailable if binding.available_from() > now => "unavailable",
        BindingState::Unavailable | BindingState::Free => "free",
    }
}

fn octets(value: &[u8]) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = hex(&mut text, value);
    text
}

fn hardware_text(hardware: Hardware<'_>) -> String {
    if hardware.htype == HTYPE_ETHERNET {
        return octets(hardware.address);
    }
    format!("{}/{}", hardware.htype, octets(hardware.address))
}

fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

/// Octets written as `02:00:..`, `0x0200..`, `0200..` or with dashes.
fn parse_hex(text: &str) -> Option<Vec<u8>> {
    let bare: String = text.trim_start_matches("0x").chars().filter(|c| !matches!(c, ':' | '-' | '.')).collect();
    if bare.is_empty() || !bare.len().is_multiple_of(2) || !bare.is_ascii() {
        return None;
    }
    (0..bare.len()).step_by(2).map(|at| u8::from_str_radix(&bare[at..at + 2], 16).ok()).collect()
}
