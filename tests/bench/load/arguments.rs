//! The command line: which server, which exchange, how fast, how long.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use getopts::{Matches, Options};

/// Exchanges under way when `--window` is not given. Under 277, the packets of 300 octets that a stock receive
/// buffer of 212992 octets holds, so that a server which asks for no more loses nothing.
const WINDOW: usize = 200;

/// What one client does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exchange {
    /// DISCOVER, OFFER, REQUEST, ACK by a client never seen before.
    FourWay,
    /// DISCOVER, OFFER.
    Discover,
    /// REQUEST with `ciaddr`, ACK, by clients that hold a lease already.
    Renew,
    /// DISCOVERs until the first OFFER.
    Probe,
}

/// When the next exchange begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Pace {
    /// So many a second.
    Rate(f64),
    /// Whenever fewer than so many are under way.
    Window(usize),
}

/// When the run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// No exchange begins after this time.
    Time(Duration),
    /// So many exchanges are completed; what is lost is sent again.
    Count(usize),
}

/// A whole run.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) exchange: Exchange,
    pub(crate) server: Ipv4Addr,
    /// `giaddr`, and the address that the socket is bound to.
    pub(crate) relay: Ipv4Addr,
    pub(crate) pace: Pace,
    pub(crate) extent: Extent,
    /// Number of the first client; its hardware address is 02:be and this number.
    pub(crate) first: u32,
    /// How long answers count after the last exchange began.
    pub(crate) linger: Duration,
    pub(crate) habit: Habit,
    /// Where the addresses of the leases are written, 4 octets each in the order of the clients.
    pub(crate) keep: Option<PathBuf>,
    /// Where the addresses of the leases to renew are read.
    pub(crate) leases: Option<PathBuf>,
}

/// What a client says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Habit {
    /// Its hardware address alone, as perfdhcp does.
    Bare,
    /// Client identifier (1 and the hardware address) and host name too, as most real clients do.
    Named,
}

/// Reads the command line; the error is the text for the user.
pub(crate) fn parse(arguments: &[String]) -> Result<Plan, String> {
    let options = options();
    let usage = || {
        options.usage("load [options] 4way|discover|renew|probe SERVER RELAY\n\nOne run of a load on a DHCPv4 server.")
    };
    let matches = options.parse(arguments.get(1..).unwrap_or_default()).map_err(|e| format!("{e}\n{}", usage()))?;
    if matches.opt_present("help") || matches.free.len() != 3 {
        return Err(usage());
    }
    let exchange = match matches.free[0].as_str() {
        "4way" => Exchange::FourWay,
        "discover" => Exchange::Discover,
        "renew" => Exchange::Renew,
        "probe" => Exchange::Probe,
        other => return Err(format!("no exchange is called {other}\n{}", usage())),
    };
    let pace = match number::<f64>(&matches, "rate")? {
        Some(rate) if rate > 0.0 => Pace::Rate(rate),
        Some(rate) => return Err(format!("--rate {rate}: not above 0")),
        None => Pace::Window(number(&matches, "window")?.unwrap_or(WINDOW).max(1)),
    };
    let extent = match number(&matches, "count")? {
        Some(count) => Extent::Count(count),
        None => Extent::Time(Duration::from_secs_f64(number(&matches, "seconds")?.unwrap_or(4.0))),
    };
    if let (Pace::Rate(_), Extent::Count(_)) = (pace, extent) {
        return Err("--rate and --count exclude each other".to_owned());
    }
    Ok(Plan {
        exchange,
        server: address(&matches.free[1])?,
        relay: address(&matches.free[2])?,
        pace,
        extent,
        first: number(&matches, "first")?.unwrap_or(0),
        linger: Duration::from_secs_f64(number(&matches, "linger")?.unwrap_or(0.2)),
        habit: if matches.opt_present("named") { Habit::Named } else { Habit::Bare },
        keep: matches.opt_str("keep").map(PathBuf::from),
        leases: matches.opt_str("leases").map(PathBuf::from),
    })
}

fn options() -> Options {
    let mut options = Options::new();
    options.optopt("r", "rate", "begin N exchanges a second, whatever the server does", "N");
    options.optopt("w", "window", "else: keep N exchanges under way (default 200)", "N");
    options.optopt("s", "seconds", "for this long (default 4)", "S");
    options.optopt("n", "count", "else: until N are completed, sending again what is lost", "N");
    options.optopt("f", "first", "number of the first client (default 0)", "N");
    options.optopt("l", "linger", "answers count this long after the last beginning (default 0.2)", "S");
    options.optflag("i", "named", "clients send a client identifier and a host name");
    options.optopt("k", "keep", "write the addresses of the leases to this file", "FILE");
    options.optopt("L", "leases", "renew: the file that --keep wrote", "FILE");
    options.optflag("h", "help", "this text");
    options
}

fn number<T: FromStr>(matches: &Matches, name: &str) -> Result<Option<T>, String> {
    matches.opt_str(name).map(|text| text.parse().map_err(|_| format!("--{name} {text}: not a number"))).transpose()
}

fn address(text: &str) -> Result<Ipv4Addr, String> {
    text.parse().map_err(|_| format!("{text}: not an IPv4 address"))
}
