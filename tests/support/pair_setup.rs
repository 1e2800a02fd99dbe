//! Configurations of pairs as text: brisk and common to both servers, and what a test changes.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use understudy::config::{self, Config, Source};

const MAIN: &str = "/etc/understudy/understudyd.ini";
const SUBNETS: &str = "/etc/understudy/subnets.ini";
const SECOND: &str = "/etc/understudy/subnets-of-second.ini";

/// The key of all pairs, another, and files of both for a rotation.
const KEYS: [(&str, &str); 4] = [
    ("/k-wrong", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\nAQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"),
    ("/wrong-k", "AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"),
    ("/k", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"),
    ("/wrong", "AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"),
];

struct Texts(HashMap<PathBuf, String>);

impl Source for Texts {
    fn read(&self, path: &Path) -> io::Result<String> {
        self.0.get(path).cloned().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }
}

/// A primary at 10.9.0.1 and its failover at 10.9.0.2, in the making. Timers: PollDelay 10 (the failover's),
/// WaitPollRplSecs 2, everything else as the table has it.
#[derive(Clone, Debug)]
pub(crate) struct PairSetup {
    primary: String,
    failover: String,
    policy: String,
    subnets: String,
    others: String,
    /// Where the failover's subnets come from.
    file: String,
}

impl PairSetup {
    /// The common configuration: two subnets, leases of an hour.
    pub(crate) fn new() -> PairSetup {
        PairSetup {
            primary: "FailoverKeyFile = /k\n".into(),
            failover: "FailoverKeyFile = /k\nPollDelay = 10\nWaitPollRplSecs = 2\n".into(),
            policy: "DefaultLease = 3600\n".into(),
            subnets: "[Subnet 10.1.0.0/24]\nRange = 10.1.0.50 - 10.1.0.99\n\
                      [Subnet 10.2.0.0/24]\nRange = 10.2.0.50 - 10.2.0.99\n"
                .into(),
            others: String::new(),
            file: format!("SubnetsFile = {SUBNETS}\n"),
        }
    }

    /// With another line in [Failover] of the primary, in place of the one with the same key.
    pub(crate) fn primary(mut self, line: &str) -> PairSetup {
        set(&mut self.primary, line);
        self
    }

    /// With another line in [Primary] of the failover.
    pub(crate) fn failover(mut self, line: &str) -> PairSetup {
        set(&mut self.failover, line);
        self
    }

    /// With another line in both.
    pub(crate) fn both(self, line: &str) -> PairSetup {
        self.primary(line).failover(line)
    }

    /// With another line in [Policy].
    pub(crate) fn policy(mut self, line: &str) -> PairSetup {
        set(&mut self.policy, line);
        self
    }

    /// With other subnets.
    pub(crate) fn subnets(mut self, text: &str) -> PairSetup {
        self.subnets = text.into();
        self
    }

    /// With a failover that has its subnets from its primary.
    pub(crate) fn pushed(mut self) -> PairSetup {
        self.file.clear();
        self
    }

    /// With one more [Primary] section at the failover, which the simulated network does not have.
    pub(crate) fn another_primary(mut self, section: &str) -> PairSetup {
        self.others += section;
        self
    }

    /// The primary's configuration.
    pub(crate) fn of_primary(&self) -> Config {
        self.of_primary_at("dhcp1", "10.9.0.1")
    }

    /// That of another primary of the same failover.
    pub(crate) fn of_second_primary(&self) -> Config {
        self.of_primary_at("dhcp3", "10.9.0.3")
    }

    fn of_primary_at(&self, name: &str, address: &str) -> Config {
        let (policy, subnets, own) = (&self.policy, &self.subnets, &self.primary);
        load(
            &format!(
                "[Server]\nHostName = {name}\nServerAddress = {address}\n[Policy]\n{policy}{subnets}\
             [Failover]\nUseFailoverServer = True\nSecondaryIpAddr = 10.9.0.2\n{own}"
            ),
            &[],
        )
    }

    /// The failover's.
    pub(crate) fn of_failover(&self) -> Config {
        let (own, others, file) = (&self.failover, &self.others, &self.file);
        load(
            &format!(
                "[Server]\nHostName = dhcp2\nServerAddress = 10.9.0.2\nFailoverServerType = Failover/Secondary\n\
             [Primary dhcp1]\nPrimaryIpAddr = 10.9.0.1\n{file}{own}{others}"
            ),
            &[(SUBNETS, &self.shared())],
        )
    }

    /// The failover's, behind this primary and another.
    pub(crate) fn of_failover_of_two(&self, second: &PairSetup) -> Config {
        let file = if self.file.is_empty() { String::new() } else { format!("SubnetsFile = {SECOND}\n") };
        let section = format!("[Primary dhcp3]\nPrimaryIpAddr = 10.9.0.3\n{file}{}", second.failover);
        let (own, first) = (&self.failover, &self.file);
        load(
            &format!(
                "[Server]\nHostName = dhcp2\nServerAddress = 10.9.0.2\nFailoverServerType = Failover/Secondary\n\
             [Primary dhcp1]\nPrimaryIpAddr = 10.9.0.1\n{first}{own}{section}"
            ),
            &[(SUBNETS, &self.shared()), (SECOND, &second.shared())],
        )
    }

    fn shared(&self) -> String {
        format!("[Policy]\n{}{}", self.policy, self.subnets)
    }
}

/// Replaces the line with the same key, or adds it; a line that ends in `=` removes.
fn set(text: &mut String, line: &str) {
    let key = |line: &str| line.split('=').next().unwrap_or_default().trim().to_owned();
    let kept: Vec<&str> = text.lines().filter(|other| key(other) != key(line)).collect();
    *text = kept.iter().map(|other| format!("{other}\n")).collect();
    if !line.ends_with('=') {
        *text += &format!("{line}\n");
    }
}

fn load(main: &str, subnets: &[(&str, &str)]) -> Config {
    let mut texts: HashMap<_, _> = KEYS.iter().map(|(path, key)| (PathBuf::from(path), (*key).to_owned())).collect();
    texts.insert(PathBuf::from(MAIN), main.to_owned());
    texts.extend(subnets.iter().map(|(path, text)| (PathBuf::from(path), (*text).to_owned())));
    config::load(Path::new(MAIN), &Texts(texts)).unwrap_or_else(|errors| {
        let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
        panic!("refused:\n{}\n{main}", errors.join("\n"))
    })
}
