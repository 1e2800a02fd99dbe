//! Arguments of `understudyctl` to a [`Request`]: the table of commands, and what may go with each.
//!
//! Pure: no file or socket is touched before all arguments have been understood.

use std::ffi::OsString;
use std::fmt::{self, Write};
use std::ops::RangeInclusive;
use std::path::PathBuf;

use getopts::{Matches, Options};

/// Where the server listens unless ControlSocket or `-s` says otherwise.
pub const DEFAULT_SOCKET: &str = "/run/understudy/understudyd.sock";

/// The longest command that the server reads, in octets: room for a client identifier of 255 octets in hex.
pub const LINE_OCTETS_MAX: usize = 1024;

/// Who carries a command out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The running server, over its control socket.
    Server,
    /// This program, on a file; the server need not run.
    File,
    /// This program, with nothing but the system's random numbers.
    Alone,
    /// Nobody yet: the name is reserved.
    Later,
}

/// One row of the table of commands.
#[derive(Debug, PartialEq, Eq)]
pub struct Command {
    /// Its name.
    pub name: &'static str,
    /// Its arguments, as the help and the manual page write them.
    pub arguments: &'static str,
    /// How many arguments it takes, options not counted.
    pub count: RangeInclusive<usize>,
    /// Options that it takes.
    pub options: &'static [&'static str],
    /// Who carries it out.
    pub place: Place,
    /// What it does, for the help.
    pub summary: &'static str,
}

/// All commands, in the order of the manual page.
pub const COMMANDS: &[Command] = &[
    Command {
        name: "status",
        arguments: "",
        count: 0..=0,
        options: &["json"],
        place: Place::Server,
        summary: "role, since when, each partner, counters, each reason for silence",
    },
    Command {
        name: "subnets",
        arguments: "",
        count: 0..=0,
        options: &["json"],
        place: Place::Server,
        summary: "a row a subnet: size, active, free, offered, declined, serving or why not",
    },
    Command {
        name: "leases",
        arguments: "[SUBNET|--all]",
        count: 0..=1,
        options: &["json", "csv", "all"],
        place: Place::Server,
        summary: "leases in force, of one subnet or of all; --all: also what has ended",
    },
    Command {
        name: "lease",
        arguments: "ADDRESS|MAC|CLIENTID",
        count: 1..=1,
        options: &["json"],
        place: Place::Server,
        summary: "everything known of one address or client",
    },
    Command {
        name: "release",
        arguments: "ADDRESS",
        count: 1..=1,
        options: &["json"],
        place: Place::Server,
        summary: "end the lease of an address; logged",
    },
    Command {
        name: "params",
        arguments: "",
        count: 0..=0,
        options: &["json"],
        place: Place::Server,
        summary: "the effective parameters and where each was set, as understudyd -T",
    },
    on_partner("takeover", "a drill: control goes to the failover; tells when it is done"),
    on_partner("giveback", "a drill: control goes back to the primary; tells when it is done"),
    on_partner("partner-down", "your word that the partner does not serve until it is in contact"),
    on_partner("partner-up", "take that word back"),
    Command {
        name: "journal",
        arguments: "verify|dump PATH",
        count: 2..=2,
        options: &["json"],
        place: Place::File,
        summary: "check or print a lease journal; the server need not run",
    },
    Command {
        name: "keygen",
        arguments: "",
        count: 0..=0,
        options: &[],
        place: Place::Alone,
        summary: "print a new random key for FailoverKeyFile",
    },
    later("explain", "MAC|CLIENTID"),
    later("metrics", ""),
    later("import", "isc|kea|dnsmasq LEASEFILE --into STATEDIR"),
];

/// A word of the operator on one partner, which is named as in the configuration of the server that is asked.
const fn on_partner(name: &'static str, summary: &'static str) -> Command {
    Command { name, arguments: "NAME", count: 1..=1, options: &["json"], place: Place::Server, summary }
}

const fn later(name: &'static str, arguments: &'static str) -> Command {
    Command { name, arguments, count: 0..=0, options: &[], place: Place::Later, summary: "" }
}

/// What the arguments ask for.
#[derive(Debug, PartialEq, Eq)]
pub enum Request {
    /// Print the help.
    Help,
    /// Print the version.
    Version,
    /// Send `line` to the server behind `socket`.
    Ask {
        /// The control socket.
        socket: PathBuf,
        /// The request, without its newline.
        line: String,
    },
    /// Read a journal.
    Journal(JournalRequest),
    /// Print a new key.
    Keygen,
}

/// A command that reads a journal.
#[derive(Debug, PartialEq, Eq)]
pub struct JournalRequest {
    /// What to do with it.
    pub act: JournalAct,
    /// The state folder, or one file of it.
    pub path: PathBuf,
    /// How to print records.
    pub format: Format,
}

/// What to do with a journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JournalAct {
    /// Check every batch and say how much stands.
    Verify,
    /// Print every record in file order.
    Dump,
}

/// How to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Why the arguments make no command.
#[derive(Debug, PartialEq, Eq)]
pub enum UsageError {
    /// An option is unknown, repeated or lacks its value; the text says which.
    Option(String),
    /// No command is given.
    NoCommand,
    /// No such command.
    Unknown(String),
    /// The name is reserved.
    NotInThisVersion(&'static str),
    /// Too few or too many arguments, or not one of those that it knows.
    Arguments(&'static Command),
    /// An option that this command does not take.
    Inapplicable {
        /// The command.
        command: &'static str,
        /// The option, without its dashes.
        option: &'static str,
    },
    /// Two options that exclude each other.
    Both(&'static str, &'static str),
    /// An argument that cannot stand in a request line.
    Unsendable(String),
    /// The request line would be longer than the server reads.
    TooLong(usize),
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UsageError::Option(text) => write!(f, "{text}; see understudyctl --help"),
            UsageError::NoCommand => f.write_str("no command; see understudyctl --help"),
            UsageError::Unknown(name) => write!(f, "{name}: no such command; see understudyctl --help"),
            UsageError::NotInThisVersion(name) => write!(f, "{name}: not in this version"),
            UsageError::Arguments(Command { name, arguments: "", .. }) => {
                write!(f, "{name} takes no arguments")
            }
            UsageError::Arguments(command) => {
                write!(f, "usage: understudyctl {} {}", command.name, command.arguments)
            }
            UsageError::Inapplicable { command, option } => write!(f, "{command} does not take --{option}"),
            UsageError::Both(one, other) => write!(f, "{one} and {other} exclude each other"),
            UsageError::Unsendable(argument) => write!(
                f,
                "{argument:?}: a blank or control character cannot be sent; write a client identifier in hexadecimal"
            ),
            UsageError::TooLong(octets) => {
                write!(f, "the command has {octets} octets, the server reads {LINE_OCTETS_MAX}")
            }
        }
    }
}

impl std::error::Error for UsageError {}

/// Understands the arguments, the program's name left out.
///
/// # Errors
/// [`UsageError`] for anything that makes no command of the table.
pub fn parse(arguments: &[OsString]) -> Result<Request, UsageError> {
    let matches = options().parse(arguments).map_err(|fail| UsageError::Option(fail.to_string()))?;
    if matches.opt_present("help") {
        return Ok(Request::Help);
    }
    if matches.opt_present("version") {
        return Ok(Request::Version);
    }
    let Some((name, rest)) = matches.free.split_first() else { return Err(UsageError::NoCommand) };
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        return Err(UsageError::Unknown(name.clone()));
    };
    check(command, rest, &matches)?;
    match command.place {
        Place::File => journal(command, rest, &matches),
        Place::Alone => Ok(Request::Keygen),
        Place::Later => Err(UsageError::NotInThisVersion(command.name)),
        Place::Server => {
            let socket = matches.opt_str("socket").unwrap_or_else(|| DEFAULT_SOCKET.to_owned()).into();
            Ok(Request::Ask { socket, line: line(command, rest, &matches)? })
        }
    }
}

/// The text of `--help`.
#[must_use]
pub fn usage() -> String {
    let mut text = String::from(
        "usage: understudyctl [-s SOCKET] [--json] COMMAND [ARGUMENT ...]\n\n\
         \x20 -s, --socket SOCKET  the server's control socket, else /run/understudy/understudyd.sock\n\
         \x20     --json           answer in JSON\n\
         \x20     --csv            answer in CSV (leases)\n\
         \x20     --all            whatever their state (leases)\n\
         \x20 -h, --help           print this text\n\
         \x20 -V, --version        print the version\n\ncommands:\n",
    );
    for command in COMMANDS.iter().filter(|command| command.place != Place::Later) {
        let call = format!("{} {}", command.name, command.arguments);
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {call:<27} {}", command.summary);
    }
    text.push_str("\nnot in this version:\n");
    for command in COMMANDS.iter().filter(|command| command.place == Place::Later) {
        let call = format!("{} {}", command.name, command.arguments);
        let _ = writeln!(text, "  {}", call.trim_end());
    }
    text
}

fn options() -> Options {
    let mut options = Options::new();
    options.optopt("s", "socket", "", "SOCKET");
    options.optflag("", "json", "");
    options.optflag("", "csv", "");
    options.optflag("", "all", "");
    options.optflag("h", "help", "");
    options.optflag("V", "version", "");
    options
}

fn check(command: &'static Command, rest: &[String], matches: &Matches) -> Result<(), UsageError> {
    if command.place == Place::Later {
        return Err(UsageError::NotInThisVersion(command.name));
    }
    if !command.count.contains(&rest.len()) {
        return Err(UsageError::Arguments(command));
    }
    for option in ["json", "csv", "all"] {
        if matches.opt_present(option) && !command.options.contains(&option) {
            return Err(UsageError::Inapplicable { command: command.name, option });
        }
    }
    if matches.opt_present("json") && matches.opt_present("csv") {
        return Err(UsageError::Both("--json", "--csv"));
    }
    if matches.opt_present("all") && !rest.is_empty() {
        return Err(UsageError::Both("SUBNET", "--all"));
    }
    Ok(())
}

fn line(command: &Command, rest: &[String], matches: &Matches) -> Result<String, UsageError> {
    let mut line = command.name.to_owned();
    for argument in rest {
        if argument.is_empty() || argument.contains(|letter: char| letter.is_whitespace() || letter.is_control()) {
            return Err(UsageError::Unsendable(argument.clone()));
        }
        line.push(' ');
        line.push_str(argument);
    }
    for option in ["all", "csv", "json"] {
        if matches.opt_present(option) {
            line.push_str(" --");
            line.push_str(option);
        }
    }
    if line.len() < LINE_OCTETS_MAX { Ok(line) } else { Err(UsageError::TooLong(line.len())) }
}

fn journal(command: &'static Command, rest: &[String], matches: &Matches) -> Result<Request, UsageError> {
    let [act, path] = rest else { return Err(UsageError::Arguments(command)) };
    let act = match act.as_str() {
        "verify" => JournalAct::Verify,
        "dump" => JournalAct::Dump,
        _ => return Err(UsageError::Arguments(command)),
    };
    let format = if matches.opt_present("json") { Format::Json } else { Format::Text };
    Ok(Request::Journal(JournalRequest { act, path: path.into(), format }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Request, UsageError> {
        parse(&line.split_whitespace().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn options_may_stand_before_and_behind_the_command() {
        let expected = Request::Ask { socket: "/tmp/s".into(), line: "leases 10.0.0.0/24 --json".to_owned() };
        assert_eq!(parsed("-s /tmp/s --json leases 10.0.0.0/24").as_ref(), Ok(&expected));
        assert_eq!(parsed("leases --json 10.0.0.0/24 --socket=/tmp/s").as_ref(), Ok(&expected));
        let default = Request::Ask { socket: DEFAULT_SOCKET.into(), line: "leases --all --csv".to_owned() };
        assert_eq!(parsed("leases --csv --all"), Ok(default));
    }

    #[test]
    fn what_makes_no_command_is_named() {
        for (line, said) in [
            ("", "no command; see understudyctl --help"),
            ("stauts", "stauts: no such command; see understudyctl --help"),
            ("--jsno status", "Unrecognized option: 'jsno'; see understudyctl --help"),
            ("status now", "status takes no arguments"),
            ("lease", "usage: understudyctl lease ADDRESS|MAC|CLIENTID"),
            ("journal check x", "usage: understudyctl journal verify|dump PATH"),
            ("status --csv", "status does not take --csv"),
            ("leases --csv --json", "--json and --csv exclude each other"),
            ("leases --all 10.0.0.0/8", "SUBNET and --all exclude each other"),
            ("takeover", "usage: understudyctl takeover NAME"),
            ("metrics", "metrics: not in this version"),
            ("keygen key", "keygen takes no arguments"),
            ("keygen --json", "keygen does not take --json"),
        ] {
            let error = parsed(line).expect_err(line);
            assert_eq!(error.to_string(), said, "{line}");
        }
    }

    #[test]
    fn a_newline_cannot_smuggle_in_a_second_command() {
        let words = ["lease", "x\nrelease 10.0.0.1"].map(OsString::from);
        assert!(matches!(parse(&words), Err(UsageError::Unsendable(_))));
        let long = ["lease".to_owned(), "a".repeat(LINE_OCTETS_MAX)].map(OsString::from);
        assert_eq!(parse(&long), Err(UsageError::TooLong(LINE_OCTETS_MAX + 6)));
    }

    #[test]
    fn a_journal_is_read_without_the_server() {
        let request =
            JournalRequest { act: JournalAct::Dump, path: "/var/lib/understudy".into(), format: Format::Json };
        assert_eq!(parsed("--json journal dump /var/lib/understudy"), Ok(Request::Journal(request)));
    }

    #[test]
    fn the_help_lists_every_command() {
        for command in COMMANDS {
            assert!(
                usage().contains(&format!("\n  {} ", command.name))
                    || usage().contains(&format!("  {}\n", command.name))
            );
        }
    }
}
