//! Input that nobody means: it is refused, or taken, in finite time and without a panic.

use std::time::{Duration, Instant};

use super::samples::{SAMPLES, text};
use super::support::{Files, load};

/// Edits of each sample.
const EDITS: u32 = 500;

/// A small generator with a fixed seed (xorshift), so that a failure can be seen again.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound.max(1) as u64).expect("a small number")
    }
}

const BITS: [&str; 24] = [
    "",
    "\"",
    "\\",
    "[",
    "]",
    "=",
    ";",
    "#",
    ",",
    "-",
    "/",
    ".",
    ":",
    "0x",
    "\n",
    "\r",
    "\0",
    "ä",
    "Include = a.ini\n",
    "4294967296",
    "99999999999999999999",
    "[Subnet 0.0.0.0/0]\n",
    "Option.option-255 = 0x00\n",
    "255.255.255.255",
];

fn edited(text: &str, random: &mut Random) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for _ in 0..=random.below(4) {
        let at = random.below(chars.len());
        let cut = random.below(12).min(chars.len() - at);
        let bit = BITS[random.below(BITS.len())];
        chars.splice(at..at + cut, bit.chars());
    }
    chars.into_iter().collect()
}

#[test]
fn random_edits_of_the_samples_never_panic() {
    let mut refused = 0;
    for name in SAMPLES {
        let original = text(name);
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        for _ in 0..EDITS {
            let edited = edited(&original, &mut random);
            if let Err(errors) = load(&edited) {
                assert!(!errors.is_empty(), "refused without a word:\n{edited}");
                refused += 1;
            }
        }
    }
    assert!(refused > EDITS, "only {refused} edits were noticed");
}

#[test]
fn lines_of_sections_swapped_at_random_never_panic() {
    let mut random = Random(42);
    let mut pool: Vec<String> =
        SAMPLES.iter().flat_map(|name| text(name).lines().map(str::to_owned).collect::<Vec<_>>()).collect();
    for line in &mut pool {
        if line.starts_with(';') && !line.starts_with("; ") {
            line.remove(0);
        }
    }
    for _ in 0..EDITS {
        let count = 1 + random.below(60);
        let lines: Vec<&str> = (0..count).map(|_| pool[random.below(pool.len())].as_str()).collect();
        if let Err(errors) = load(&lines.join("\n")) {
            assert!(!errors.is_empty());
        }
    }
}

#[test]
fn a_file_of_wrong_lines_ends_with_the_count_of_those_not_shown() {
    let errors = load(&"rubbish\n".repeat(5000)).expect_err("rubbish is refused");
    assert_eq!(errors.len(), 1001);
    let last = errors.last().expect("an error").to_string();
    assert_eq!(last, "a.ini:0: 4000 further errors are not shown; mend these first");
}

#[test]
fn two_thousand_subnets_and_five_thousand_hosts_load_within_a_second() {
    let mut text = String::new();
    for subnet in 0..2000u32 {
        let (high, low) = (subnet / 250, subnet % 250);
        text.push_str(&format!(
            "[Subnet 10.{high}.{low}.0/24]\nRange = 10.{high}.{low}.10 - 10.{high}.{low}.99\n\
             Range = 10.{high}.{low}.110 - 10.{high}.{low}.199\nOption.routers = 10.{high}.{low}.1\n"
        ));
    }
    for host in 0..5000u32 {
        let (high, low, last) = (host / 1250, host / 5 % 250, 200 + host % 5);
        text.push_str(&format!(
            "[Host h{host}]\nHardwareAddress = 02:00:00:00:{:02x}:{:02x}\nAddress = 10.{high}.{low}.{last}\n",
            host / 256,
            host % 256
        ));
    }
    let files = Files::new(&[("a.ini", &text)]);
    let mut best = Duration::MAX;
    for _ in 0..3 {
        let start = Instant::now();
        let config = files.load("a.ini").expect("a legal configuration");
        best = best.min(start.elapsed());
        assert_eq!((config.subnets.len(), config.hosts.len()), (2000, 5000));
    }
    // Without optimisation, and on a machine with other work, the bound is wider.
    let bound = Duration::from_secs(if cfg!(debug_assertions) { 4 } else { 1 });
    assert!(best < bound, "it took {best:?}");
}
