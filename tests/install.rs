//! `make install` and `make uninstall` into a folder of their own: what comes, with which rights, and what stays.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const TOP: &str = env!("CARGO_MANIFEST_DIR");

/// A folder that stands for `/`, removed at the end.
struct Root(PathBuf);

impl Root {
    fn new(name: &str) -> Root {
        let path = std::env::temp_dir().join(format!("understudy-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("temporary folder");
        Root(path)
    }

    /// Runs make with the programs that cargo built for this test, so that none is built here.
    fn make(&self, target: &str) {
        let built = Path::new(env!("CARGO_BIN_EXE_understudyd")).parent().expect("a folder");
        let mut command = Command::new("make");
        command.env_remove("MAKEFLAGS").env_remove("MFLAGS").env_remove("MAKEOVERRIDES").current_dir(TOP);
        command.arg(target).arg(format!("DESTDIR={}", self.0.display()));
        command.arg("PREFIX=/usr").arg(format!("BUILT={}", built.display()));
        let output = command.output().expect("make runs");
        assert!(output.status.success(), "make {target}: {}", said(&output));
    }

    fn at(&self, path: &str) -> PathBuf {
        self.0.join(path)
    }

    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.at(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    fn mode(&self, path: &str) -> u32 {
        let metadata = fs::metadata(self.at(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        metadata.permissions().mode() & 0o7777
    }

    /// All files below it, in order, from it on.
    fn files(&self) -> Vec<String> {
        let mut found = Vec::new();
        walk(&self.0, "", &mut found);
        found.sort();
        found
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        // What cannot be removed stays in the temporary folder and harms nobody.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn walk(folder: &Path, prefix: &str, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            walk(&entry.path(), &format!("{path}/"), found);
        } else {
            found.push(path);
        }
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Names in a folder of the repository that end so.
fn names(folder: &str, end: &str) -> Vec<String> {
    let entries = fs::read_dir(Path::new(TOP).join(folder)).expect(folder).flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| name.ends_with(end)).collect()
}

#[test]
fn install_puts_each_file_in_its_place_with_its_rights() {
    let root = Root::new("install");
    root.make("install");
    let mut expected: Vec<(String, u32)> = [
        ("usr/sbin/understudyd", 0o755),
        ("usr/sbin/understudyctl", 0o755),
        ("usr/lib/systemd/system/understudyd.service", 0o644),
        ("usr/lib/sysusers.d/understudy.conf", 0o644),
        ("usr/lib/tmpfiles.d/understudy.conf", 0o644),
    ]
    .map(|(path, mode)| (path.to_owned(), mode))
    .to_vec();
    for section in ["5", "7", "8"] {
        let pages = names("man", &format!(".{section}")).into_iter();
        expected.extend(pages.map(|page| (format!("usr/share/man/man{section}/{page}"), 0o644)));
    }
    let samples = names("etc", ".ini").into_iter();
    expected.extend(samples.map(|name| (format!("etc/understudy/{name}.sample"), 0o644)));
    expected.sort();
    let installed: Vec<(String, u32)> = root.files().into_iter().map(|path| (path.clone(), root.mode(&path))).collect();
    assert_eq!(installed, expected);
    assert_eq!(root.mode("var/lib/understudy"), 0o750, "leases tell who is where");
    assert_eq!(root.mode("etc/understudy"), 0o755);
}

#[test]
fn installed_texts_name_the_places_of_this_installation() {
    let root = Root::new("places");
    root.make("install");
    let unit = root.text("usr/lib/systemd/system/understudyd.service");
    assert!(unit.contains("ExecStart=/usr/sbin/understudyd -f -c /etc/understudy/understudyd.ini\n"), "{unit}");
    for path in root.files().iter().filter(|path| path.ends_with(".conf") || path.ends_with(".service")) {
        let text = root.text(path);
        let blank = ["@SBINDIR@", "@SYSCONFDIR@", "@STATEDIR@", "@USER@"].iter().find(|name| text.contains(**name));
        assert_eq!(blank, None, "{path} is not filled in");
        assert!(!text.contains(&root.0.display().to_string()), "{path} names the folder it was staged in");
    }
}

#[test]
fn a_second_install_overwrites_no_configuration_and_uninstall_keeps_it_and_the_leases() {
    let root = Root::new("again");
    root.make("install");
    let kept = [("etc/understudy/understudyd.ini", "; mine\n"), ("var/lib/understudy/leases.000001", "leases")];
    for (path, text) in kept {
        fs::write(root.at(path), text).expect(path);
    }
    root.make("install");
    for (path, text) in kept {
        assert_eq!(root.text(path), text, "{path}");
    }
    root.make("uninstall");
    assert_eq!(root.files(), kept.map(|(path, _)| path));
    root.make("uninstall");
}

/// systemd reads the unit without a complaint. The program's path is the built one, since verify looks for it.
#[test]
fn systemd_accepts_the_unit() {
    let root = Root::new("unit");
    root.make("install");
    let unit = root.text("usr/lib/systemd/system/understudyd.service");
    let path = root.at("understudyd.service");
    fs::write(&path, unit.replace("/usr/sbin/understudyd", env!("CARGO_BIN_EXE_understudyd"))).expect("unit");
    let mut command = Command::new("systemd-analyze");
    let Ok(output) = command.args(["verify", "--man=no"]).arg(&path).output() else {
        use std::io::Write;
        // Past the capture of the test harness; a closed terminal must not fail the test.
        let _ = std::io::stderr().write_all(b"SKIPPED: unit not verified: systemd-analyze is not installed\n");
        return;
    };
    assert!(output.status.success(), "{}", said(&output));
    let complaints: Vec<String> =
        said(&output).lines().filter(|line| line.contains("understudyd")).map(str::to_owned).collect();
    assert!(complaints.is_empty(), "{complaints:?}");
}
