//! The observer as a process, and its report.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sys::signal::Signal;

use crate::duo::Switch;
use crate::rig::Proc;

/// Where the program lies.
fn program() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/chaos/observer.py")
}

/// An observer that looks at ports of a switch.
pub(crate) struct Observer {
    proc: Proc,
    folder: PathBuf,
}

impl Observer {
    /// Begins to look at the clients' ends of the wires.
    pub(crate) fn watch(switch: &Switch, folder: &Path, interfaces: &[String]) -> Observer {
        let mut command = switch.host().command("python3");
        command.arg("-B").arg(program()).arg("--out").arg(folder).args(interfaces);
        let proc = switch.host().spawn_command(command, "observer".into());
        proc.wait_for("ready");
        Observer { proc, folder: folder.to_owned() }
    }

    /// Ends it and reads its report.
    pub(crate) fn report(mut self) -> Report {
        self.proc.signal(Signal::SIGTERM);
        let code = self.proc.wait();
        let path = self.folder.join("report.txt");
        let text = fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("the observer left no report ({code:?}, {error}):\n{}", self.proc.said()));
        Report::parse(&text, code)
    }
}

/// Has the observer judge a capture.
pub(crate) fn judge(capture: &Path, folder: &Path) -> Report {
    let mut command = Command::new("python3");
    let output = command.arg("-B").arg(program()).arg("--out").arg(folder).arg("--read").arg(capture).output();
    let output = output.expect("python3 starts");
    let text = fs::read_to_string(folder.join("report.txt"))
        .unwrap_or_else(|error| panic!("no report ({error}): {}", String::from_utf8_lossy(&output.stderr)));
    Report::parse(&text, output.status.code())
}

/// One line: a word and facts by name.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub(crate) line: String,
    facts: BTreeMap<String, String>,
}

impl Finding {
    fn parse(line: &str) -> Finding {
        let facts = line.split(' ').filter_map(|word| word.split_once('='));
        let facts = facts.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Finding { line: line.to_owned(), facts }
    }

    /// A fact as text.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.facts.get(name).unwrap_or_else(|| panic!("no {name} in the observer's line: {}", self.line))
    }

    /// A fact as a number.
    pub(crate) fn number(&self, name: &str) -> f64 {
        let text = self.text(name);
        text.parse().unwrap_or_else(|_| panic!("{name} is no number in the observer's line: {}", self.line))
    }
}

/// What the observer says at its end.
pub(crate) struct Report {
    /// Its own verdict: 0 is good.
    pub(crate) code: Option<i32>,
    pub(crate) figures: BTreeMap<String, u64>,
    findings: Vec<Finding>,
}

impl Report {
    fn parse(text: &str, code: Option<i32>) -> Report {
        let (figures, findings): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| line.starts_with("figure "));
        let figure = |line: &str| {
            let (name, value) = line.strip_prefix("figure ")?.split_once('=')?;
            Some((name.to_owned(), value.parse().ok()?))
        };
        let figures = figures.into_iter().filter_map(figure).collect();
        Report { code, figures, findings: findings.into_iter().map(Finding::parse).collect() }
    }

    /// All findings of one kind.
    pub(crate) fn of(&self, kind: &str) -> Vec<&Finding> {
        self.findings.iter().filter(|finding| finding.line.split(' ').next() == Some(kind)).collect()
    }

    /// A figure; 0 where it has none of that name.
    pub(crate) fn figure(&self, name: &str) -> u64 {
        self.figures.get(name).copied().unwrap_or(0)
    }
}
