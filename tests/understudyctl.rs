//! The built `understudyctl` against a stand-in for the server: exit codes, streams, help and manual page.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::Ipv4Addr;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;

use understudy::clock::Wall;
use understudy::ctl::arguments::{COMMANDS, usage};
use understudy::journal::{FileStorage, Journal, OpenMode, frame};
use understudy::lease::record::{Complete, Record};
use understudy::lease::{Binding, BindingState, Client, Side, Stamp};
use understudy::wire::seal::Keys;

const PROGRAM: &str = env!("CARGO_BIN_EXE_understudyctl");

/// A folder of its own, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("understudyctl-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("temporary folder");
        Folder(path)
    }

    fn socket(&self) -> PathBuf {
        self.0.join("sock")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed stays in the temporary folder and harms nobody.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Runs the program on `arguments` while a stand-in answers once; returns what it was asked, and the output.
fn asked(name: &str, arguments: &[&str], answer: Vec<u8>) -> (String, Output) {
    let folder = Folder::new(name);
    let listener = UnixListener::bind(folder.socket()).expect("bind");
    let server = thread::spawn(move || {
        let (stream, _) = listener.accept().expect("accept");
        let mut line = String::new();
        BufReader::new(&stream).read_line(&mut line).expect("a request line");
        // The program may have gone, as `head` makes it go.
        let _ = (&stream).write_all(&answer);
        line
    });
    let output = understudyctl(&folder.socket(), arguments);
    (server.join().expect("stand-in"), output)
}

fn understudyctl(socket: &Path, arguments: &[&str]) -> Output {
    Command::new(PROGRAM).arg("-s").arg(socket).args(arguments).output().expect("understudyctl runs")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("text")
}

#[test]
fn an_answer_goes_to_standard_output() {
    let (line, output) = asked("ok", &["leases", "10.0.0.0/24", "--json"], b"ok\n[]\n".to_vec());
    assert_eq!(line, "leases 10.0.0.0/24 --json\n");
    assert_eq!((output.status.code(), text(&output.stdout), text(&output.stderr)), (Some(0), "[]\n", ""));
}

/// The name is the partner's in the configuration of the server that is asked: the program does not look at it.
#[test]
fn words_on_a_partner_are_sent_with_its_name() {
    for word in ["takeover", "giveback", "partner-down", "partner-up"] {
        let (line, output) = asked(word, &[word, "dhcp1", "--json"], b"ok\n{}\n".to_vec());
        assert_eq!(line, format!("{word} dhcp1 --json\n"));
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(0), "{}\n"));
    }
}

#[test]
fn a_refusal_goes_to_standard_error_and_exits_1() {
    let (line, output) = asked("no", &["release", "10.0.0.9"], b"error\n10.0.0.9: no lease\n".to_vec());
    assert_eq!(line, "release 10.0.0.9\n");
    let said = (output.status.code(), text(&output.stdout), text(&output.stderr));
    assert_eq!(said, (Some(1), "", "10.0.0.9: no lease\n"));
}

#[test]
fn a_long_answer_comes_whole() {
    let body = "10.0.0.1,active,host\n".repeat(200_000);
    let (_, output) = asked("long", &["leases", "--csv"], format!("ok\n{body}").into_bytes());
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout) == body, "{} octets of {}", output.stdout.len(), body.len());
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let folder = Folder::new("pipe");
    let listener = UnixListener::bind(folder.socket()).expect("bind");
    let mut command = Command::new(PROGRAM);
    command.arg("-s").arg(folder.socket()).arg("leases").stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("understudyctl runs");
    drop(child.stdout.take());
    let (mut stream, _) = listener.accept().expect("accept");
    // The program ends at its first write; what is sent after that finds nobody.
    let _ = stream.write_all("ok\nline\n".repeat(100_000).as_bytes());
    drop(stream);
    let output = child.wait_with_output().expect("end");
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
}

#[test]
fn a_server_that_is_not_there_exits_69() {
    let folder = Folder::new("absent");
    let output = understudyctl(&folder.socket(), &["status"]);
    assert_eq!(output.status.code(), Some(69));
    assert!(text(&output.stderr).contains("does understudyd run"), "{}", text(&output.stderr));
    let (_, output) = asked("mute", &["status"], Vec::new());
    assert_eq!(output.status.code(), Some(69), "{}", text(&output.stderr));
}

#[test]
fn wrong_usage_exits_64_and_asks_nobody() {
    let nowhere = Path::new("/nonexistent/sock");
    let words = [&["takeover"][..], &["giveback", "a", "b"], &["partner-down"], &["partner-up", "--csv", "a"]];
    let others = [&["status", "x"][..], &["nonsense"], &["--nonsense"], &[], &["explain"], &["keygen", "x"]];
    for arguments in words.into_iter().chain(others) {
        let output = understudyctl(nowhere, arguments);
        assert_eq!(output.status.code(), Some(64), "{arguments:?}");
        assert_eq!(text(&output.stderr).lines().count(), 1, "{arguments:?}: {}", text(&output.stderr));
    }
}

/// Each key is a line of its own that a key file may hold, and no two are alike. No server is asked.
#[test]
fn a_new_key_is_printed_that_a_key_file_may_hold() {
    let keys: Vec<Keys> = (0..3)
        .map(|_| {
            let output = understudyctl(Path::new("/nonexistent/sock"), &["keygen"]);
            assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
            let line = text(&output.stdout);
            assert!(line.len() == 45 && line.ends_with("=\n"), "{line:?}");
            Keys::parse(line).expect("a key")
        })
        .collect();
    assert!(keys[0] != keys[1] && keys[1] != keys[2] && keys[0] != keys[2]);
}

#[test]
fn a_key_that_cannot_be_written_exits_74() {
    let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("/dev/full");
    let output = Command::new(PROGRAM).arg("keygen").stdout(full).output().expect("understudyctl runs");
    assert_eq!(output.status.code(), Some(74), "{}", text(&output.stderr));
}

/// Two commits: the database's identity, and two bindings of one address.
fn journal(folder: &Folder) -> PathBuf {
    let path = folder.0.join("state");
    fs::create_dir(&path).expect("state folder");
    let mut journal = Journal::open(FileStorage::new(&path), OpenMode::New, &mut |_| {}).expect("journal").0;
    let leased = Binding {
        address: Ipv4Addr::new(10, 1, 0, 50),
        state: BindingState::Leased,
        origin: Side::Primary,
        owner: Side::Primary,
        start: Wall::from_secs(1_000_000_000),
        end: Wall::from_secs(1_000_003_600),
        last_seen: Wall::from_secs(1_000_000_000),
        bar: Wall::default(),
        stamp: Stamp(1),
        client: Client { identifier: Some(&[1, 2, 3]), ..Client::default() },
    };
    let released = Binding { state: BindingState::Released, stamp: Stamp(2), ..leased };
    let identity = Record::Identity { database: [7; 16], complete: Complete::Yes };
    for records in [&[identity][..], &[Record::Binding(leased), Record::Binding(released)]] {
        let mut frames = Vec::new();
        for record in records {
            frame::append(&mut frames, |payload| record.encode(payload));
        }
        journal.commit(&frames).expect("commit");
    }
    path
}

/// Runs `journal ACT PATH` where no server is.
fn offline(act: &str, path: &Path, options: &[&str]) -> Output {
    let mut command = Command::new(PROGRAM);
    command
        .args(["-s", "/nonexistent/sock", "journal", act])
        .arg(path)
        .args(options)
        .output()
        .expect("understudyctl runs")
}

#[test]
fn a_whole_journal_is_called_whole_and_printed_in_order() {
    let folder = Folder::new("journal");
    let path = journal(&folder);
    let verified = offline("verify", &path, &[]);
    assert_eq!(verified.status.code(), Some(0), "{}", text(&verified.stderr));
    assert!(text(&verified.stdout).contains("whole: 3 records, no clean stop"), "{}", text(&verified.stdout));

    let verified = offline("verify", &path, &["--json"]);
    let body = text(&verified.stdout);
    assert!(body.starts_with("{\"records\":3,\"torn_bytes\":0,\"clean_stop\":false,\"files\":[{"), "{body}");

    let dumped = offline("dump", &path, &[]);
    let lines: Vec<&str> = text(&dumped.stdout).lines().collect();
    assert_eq!((dumped.status.code(), lines.len()), (Some(0), 3), "{lines:?}");
    for (line, part) in lines.iter().zip([": database 0707", ": 10.1.0.50 leased, client id 01:02:03", "released"]) {
        assert!(line.contains(part), "{part} in {line}");
    }
    let json = offline("dump", &path, &["--json"]);
    let body = text(&json.stdout);
    assert!(body.starts_with("[\n{") && body.ends_with("}\n]\n"), "{body}");
    assert_eq!(body.matches("\"end\":\"2001-09-09T02:46:40Z\"").count(), 2, "{body}");

    let file = fs::read_dir(&path).expect("state folder").flatten().next().expect("a segment").path();
    let alone = offline("dump", &file, &[]);
    assert_eq!(text(&alone.stdout), text(&dumped.stdout), "one file is read alone");
}

#[test]
fn a_damaged_journal_exits_1_and_names_the_place() {
    let folder = Folder::new("damaged");
    let path = journal(&folder);
    let file = fs::read_dir(&path).expect("state folder").flatten().next().expect("a segment").path();
    let mut octets = fs::read(&file).expect("segment");
    let at = octets.windows(16).position(|part| part == [7; 16]).expect("the first record");
    octets[at] ^= 1;
    fs::write(&file, octets).expect("segment");
    for act in ["verify", "dump"] {
        let output = offline(act, &path, &[]);
        assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
        let said = text(&output.stderr);
        assert!(said.contains("damaged at byte ") && said.contains(&*file.to_string_lossy()), "{said}");
        assert!(!text(&output.stdout).contains("whole"));
    }
}

#[test]
fn where_no_journal_is_nothing_is_called_whole() {
    let folder = Folder::new("empty");
    let empty = offline("verify", &folder.0, &[]);
    assert_eq!((empty.status.code(), text(&empty.stdout)), (Some(1), ""), "{}", text(&empty.stderr));
    let absent = offline("verify", &folder.socket(), &[]);
    assert_eq!((absent.status.code(), text(&absent.stdout)), (Some(74), ""), "{}", text(&absent.stderr));
}

/// The manual page has an entry for each command, and for each option of the help.
#[test]
fn help_and_manual_page_agree() {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/man/understudyctl.8")).expect("page");
    let entries: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix(".It ")).collect();
    for command in COMMANDS {
        let entry = format!("Cm {}", command.name);
        let found = entries.iter().any(|line| *line == entry || line.starts_with(&format!("{entry} ")));
        assert!(found, "man/understudyctl.8 has no entry for {}", command.name);
    }
    let help = Command::new(PROGRAM).arg("--help").output().expect("understudyctl runs");
    assert_eq!((help.status.code(), text(&help.stdout)), (Some(0), usage().as_str()));
    let lines = text(&help.stdout).lines().map(str::trim).filter(|line| line.starts_with('-'));
    for option in lines.flat_map(|line| line.split([' ', ','])).filter(|word| word.starts_with('-')) {
        let dashless = option.trim_start_matches('-');
        let named = |line: &&str| line.split([' ', ',']).any(|word| word.trim_start_matches('-') == dashless);
        assert!(entries.iter().any(named), "man/understudyctl.8 has no entry for {option}");
    }
    let commands = entries.iter().filter_map(|line| line.strip_prefix("Cm "));
    for name in commands.filter_map(|rest| rest.split(' ').next()) {
        assert!(COMMANDS.iter().any(|command| command.name == name), "the manual page invents {name}");
    }
}
