//! Configurations as text: a common one, and what a test changes in it.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use understudy::config::{self, Config, Source};

use super::world::World;

const MAIN: &str = "/etc/understudy/understudyd.ini";

/// Files in memory.
pub(crate) struct Texts(pub(crate) HashMap<PathBuf, String>);

impl Source for Texts {
    fn read(&self, path: &Path) -> io::Result<String> {
        self.0.get(path).cloned().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }
}

/// A configuration in the making. Three subnets: 10.1.0.0/24 on eth0, 10.2.0.0/24 on eth1, and 10.3.0.0/24
/// that is reached through a relay alone.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    server: String,
    policy: String,
    options: String,
    pool: String,
    first: String,
    second: String,
    more: String,
}

impl Setup {
    /// The common configuration: leases of an hour, 50 addresses a subnet.
    pub(crate) fn new() -> Setup {
        Setup {
            server: String::new(),
            policy: String::new(),
            options: String::new(),
            pool: "10.1.0.50 - 10.1.0.99".into(),
            first: String::new(),
            second: String::new(),
            more: String::new(),
        }
    }

    /// With one more line in [Server].
    pub(crate) fn server(mut self, line: &str) -> Setup {
        add(&mut self.server, line);
        self
    }

    /// With one more line in [Policy].
    pub(crate) fn policy(mut self, line: &str) -> Setup {
        add(&mut self.policy, line);
        self
    }

    /// With one more line in [Options].
    pub(crate) fn option(mut self, line: &str) -> Setup {
        add(&mut self.options, line);
        self
    }

    /// With another range in the first subnet.
    pub(crate) fn pool(mut self, range: &str) -> Setup {
        self.pool = range.into();
        self
    }

    /// With one more line in the first subnet.
    pub(crate) fn first(mut self, line: &str) -> Setup {
        add(&mut self.first, line);
        self
    }

    /// With one more line in the second subnet.
    pub(crate) fn second(mut self, line: &str) -> Setup {
        add(&mut self.second, line);
        self
    }

    /// With more sections, or lines of them.
    pub(crate) fn more(mut self, text: &str) -> Setup {
        add(&mut self.more, text);
        self
    }

    /// The text of the configuration.
    pub(crate) fn text(&self) -> String {
        let lease = if self.policy.contains("DefaultLease") { "" } else { "DefaultLease = 3600\n" };
        let range = if self.pool.is_empty() { String::new() } else { format!("Range = {}\n", self.pool) };
        format!(
            "[Server]\nHostName = dhcp1\n{}[Policy]\n{lease}{}[Options]\n{}\
             [Subnet 10.1.0.0/24]\n{range}Option.routers = 10.1.0.1\n{}\
             [Subnet 10.2.0.0/24]\nRange = 10.2.0.50 - 10.2.0.99\nOption.routers = 10.2.0.1\n{}\
             [Subnet 10.3.0.0/24]\nRange = 10.3.0.50 - 10.3.0.99\n{}",
            self.server, self.policy, self.options, self.first, self.second, self.more
        )
    }

    /// The checked configuration.
    ///
    /// # Panics
    /// With every complaint, when it is refused.
    pub(crate) fn config(&self) -> Config {
        load(&self.text()).unwrap_or_else(|errors| panic!("refused:\n{}\n{}", errors.join("\n"), self.text()))
    }

    /// The checked configuration, or `None` when it is refused.
    pub(crate) fn accepted(&self) -> Option<Config> {
        load(&self.text()).ok()
    }

    /// A world with that configuration and an empty journal.
    pub(crate) fn world(&self) -> World {
        World::new(self.config())
    }
}

/// Asserts that a configuration with this line in [Options] is refused, by a complaint that holds `word`.
pub(crate) fn refused(line: &str, word: &str) {
    let errors = load(&Setup::new().option(line).text()).err().unwrap_or_else(|| panic!("taken: {line}"));
    assert!(errors.iter().any(|error| error.contains(word)), "{word} not in {errors:?}");
}

fn load(text: &str) -> Result<Config, Vec<String>> {
    let source = Texts(HashMap::from([(PathBuf::from(MAIN), text.to_owned())]));
    config::load(Path::new(MAIN), &source).map_err(|errors| errors.iter().map(ToString::to_string).collect())
}

fn add(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}
