//! The command line of `understudyd` (configuration.md section 3): words to a checked [`Options`].
//!
//! It decides what the process is asked to do and refuses combinations that contradict each other. It opens,
//! reads and prints nothing; `start` acts on the result.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

/// The configuration that is read when no other is named.
pub const DEFAULT_CONFIG: &str = "/etc/understudy/understudyd.ini";

/// What `-h` prints, and what a wrong use is answered with.
pub const USAGE: &str = "\
usage: understudyd [-c FILE] [-f] [-t] [-T] [-p PIDFILE] [-d] [-V] [-h]
                   [--new] [--wait-for-partner] [--keep-before-damage]
  -c FILE               configuration, default /etc/understudy/understudyd.ini
  -f                    stay in the foreground (the default)
  -d                    detach from the terminal; log lines go to the system's log
  -p PIDFILE            write the process id to PIDFILE
  -t                    check configuration and lease journal, print every error, exit 0 or 78
  -T                    print the effective parameters and where each was set
  --new                 create the lease database: no leases exist. Alone: create and end;
                        with -f or -d: create and serve
  --wait-for-partner    serve nothing before contact with the partner
  --keep-before-damage  start with what precedes a damaged place of the lease journal
  -V                    print the version
  -h, --help            print this text
signals: HUP reload, TERM and INT stop, USR1 counters to the log
exit: 0 as asked, 64 usage, 69 a critical partner is not to be had, 71 a port or the system refused,
      73 state folder locked or unusable, 74 disk, 78 configuration
";

/// What the process is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Print [`USAGE`].
    Help,
    /// Print the version.
    Version,
    /// Check configuration and journal (`-t`).
    Check,
    /// Print the effective parameters (`-T`).
    Parameters,
    /// Create the lease database and end (`--new` alone).
    Create,
    /// Serve.
    Serve,
}

/// The checked command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// What to do.
    pub action: Action,
    /// The configuration file.
    pub config: PathBuf,
    /// Where to write the process id.
    pub pid_file: Option<PathBuf>,
    /// Whether to leave the terminal (`-d`).
    pub detach: bool,
    /// Whether the operator says that no leases exist (`--new`).
    pub new_database: bool,
    /// Whether to stay silent before contact with the partner.
    pub wait_for_partner: bool,
    /// Whether to start with what precedes a damaged place of the journal.
    pub keep_before_damage: bool,
}

/// Why a command line was refused (exit 64).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UsageError {
    /// An option that does not exist, lacks its value or stands twice; getopts' words.
    Option(String),
    /// A word that is no option.
    Argument(String),
    /// Two options that contradict each other.
    Together(&'static str, &'static str),
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UsageError::Option(text) => write!(f, "{text}"),
            UsageError::Argument(word) => {
                write!(f, "{word}: no argument is expected; the configuration is named with -c")
            }
            UsageError::Together(one, other) => {
                write!(f, "{one} and {other} cannot stand together; give one of them")
            }
        }
    }
}

impl std::error::Error for UsageError {}

/// Reads the command line without the program's own name.
///
/// # Errors
/// [`UsageError`] for an unknown option, a missing value, a stray word or a contradiction.
pub fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Options, UsageError> {
    let words: Vec<OsString> = arguments.collect();
    let found = grammar().parse(&words).map_err(|error| UsageError::Option(error.to_string()))?;
    if let Some(word) = found.free.first() {
        return Err(UsageError::Argument(word.clone()));
    }
    for (one, other) in [("t", "T"), ("f", "d"), ("t", "new"), ("T", "new"), ("new", "keep-before-damage")] {
        if found.opt_present(one) && found.opt_present(other) {
            return Err(UsageError::Together(dashed(one), dashed(other)));
        }
    }
    let present = |name: &str| found.opt_present(name);
    let action = if present("h") {
        Action::Help
    } else if present("V") {
        Action::Version
    } else if present("t") {
        Action::Check
    } else if present("T") {
        Action::Parameters
    } else if present("new") && !present("f") && !present("d") {
        Action::Create
    } else {
        Action::Serve
    };
    Ok(Options {
        action,
        config: found.opt_str("c").map_or_else(|| PathBuf::from(DEFAULT_CONFIG), PathBuf::from),
        pid_file: found.opt_str("p").map(PathBuf::from),
        detach: present("d"),
        new_database: present("new"),
        wait_for_partner: present("wait-for-partner"),
        keep_before_damage: present("keep-before-damage"),
    })
}

/// The options that exist.
fn grammar() -> getopts::Options {
    let mut grammar = getopts::Options::new();
    grammar.optopt("c", "", "", "FILE").optopt("p", "", "", "PIDFILE").optflag("h", "help", "");
    for short in ["f", "t", "T", "d", "V"] {
        grammar.optflag(short, "", "");
    }
    for long in ["new", "wait-for-partner", "keep-before-damage"] {
        grammar.optflag("", long, "");
    }
    grammar
}

/// The name as the user writes it.
fn dashed(name: &str) -> &'static str {
    match name {
        "t" => "-t",
        "T" => "-T",
        "f" => "-f",
        "d" => "-d",
        "new" => "--new",
        _ => "--keep-before-damage",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Options, UsageError> {
        parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn no_words_mean_serve_in_the_foreground_with_the_default_file() {
        let options = parsed("").expect("legal");
        assert_eq!(options.action, Action::Serve);
        assert_eq!(options.config, PathBuf::from(DEFAULT_CONFIG));
        assert!(!options.detach && !options.new_database && options.pid_file.is_none());
    }

    #[test]
    fn new_alone_creates_and_with_f_or_d_serves() {
        assert_eq!(parsed("--new").expect("legal").action, Action::Create);
        assert_eq!(parsed("--new -p x").expect("legal").action, Action::Create);
        for line in ["--new -f", "-d --new"] {
            let options = parsed(line).expect("legal");
            assert_eq!(options.action, Action::Serve);
            assert!(options.new_database);
        }
    }

    #[test]
    fn contradictions_strays_and_unknown_words_are_refused() {
        for line in
            ["-t -T", "-f -d", "--new -t", "--new --keep-before-damage", "-x", "-c", "file.ini", "-c a -c b", "--keep"]
        {
            assert!(parsed(line).is_err(), "{line} must be refused");
        }
        assert_eq!(parsed("a.ini"), Err(UsageError::Argument("a.ini".into())));
    }

    #[test]
    fn the_usage_text_names_every_option() {
        for name in
            ["-c", "-f", "-t", "-T", "-p", "-d", "-V", "-h", "--new", "--wait-for-partner", "--keep-before-damage"]
        {
            assert!(USAGE.contains(name), "{name}");
        }
    }
}
