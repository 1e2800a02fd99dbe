//! Every sequence of at most so many steps of a tiny world, over the very code that ships.

pub(crate) mod actions;
pub(crate) mod checks;
pub(crate) mod clients;
mod fingerprint;
mod journal;
pub(crate) mod near;
mod plug;
mod scripts;
pub(crate) mod starts;
pub(crate) mod text;
pub(crate) mod world;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

pub(crate) use actions::Action;
pub(crate) use checks::Breach;
pub(crate) use fingerprint::canonical;
use fingerprint::fingerprint;
pub(crate) use starts::Start;
pub(crate) use world::{Echo, World};

/// What the primary does out of contact when no settled address is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shares {
    /// StrictShares = True.
    Strict,
    /// StrictShares = False.
    PingFirst,
}

/// What may be chosen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    /// StrictShares.
    pub(crate) shares: Shares,
    /// Whether holders answer pings.
    pub(crate) echo: Echo,
    /// Of so many states one is followed to its quiet end, in two ways: as it is, and healed. 0: none.
    pub(crate) heal_every: u64,
}

/// What a search came to.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) start: Start,
    pub(crate) depth: u32,
    /// Distinct states.
    pub(crate) states: usize,
    /// Steps taken.
    pub(crate) steps: u64,
    /// States followed to their quiet end.
    pub(crate) followed: u64,
    pub(crate) took: Duration,
    /// What must not happen and did, with the way there.
    pub(crate) found: Option<(Breach, Vec<Action>)>,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Outcome { start, depth, states, steps, followed, took, found } = self;
        write!(
            f,
            "{start:?}: depth {depth}, {states} states, {steps} steps, {followed} followed to their end, {:.1} s",
            took.as_secs_f64()
        )?;
        if let Some((breach, path)) = found {
            let path: Vec<String> = path.iter().map(ToString::to_string).collect();
            write!(f, "; {breach}, after {}", path.join(", "))?;
        }
        Ok(())
    }
}

/// Searches all that can happen within `depth` steps of `start`, up to the first breach.
pub(crate) fn search(start: Start, depth: u32, options: &Options) -> Outcome {
    search_from((start, &start.world(options)), depth, options)
}

/// The same from a world that has been made before, so that a rule can be left out from there on alone.
pub(crate) fn search_from((start, world): (Start, &World), depth: u32, options: &Options) -> Outcome {
    let began = Instant::now();
    let mut world = world.clone();
    let mut search = Search { options, seen: HashMap::default(), path: Vec::new(), steps: 0, followed: 0 };
    let found = search.from(&mut world, depth).err().map(|breach| (breach, search.path.clone()));
    let Search { seen, steps, followed, .. } = search;
    Outcome { start, depth, states: seen.len(), steps, followed, took: began.elapsed(), found }
}

/// How a state goes on to its quiet end: as it is, and healed.
const ENDS: [fn(&mut World); 2] = [World::check_served, World::check_heal];

/// The story of a way through the world up to the first breach, line by line.
pub(crate) fn story(start: Start, options: &Options, path: &[Action]) -> Vec<String> {
    let mut world = start.world(options);
    world.story = Some(Vec::new());
    let ended = catch_unwind(AssertUnwindSafe(|| world.acts(path)));
    if ended.is_ok() && world.breach.is_none() {
        for end in ENDS {
            let mut copy = world.clone();
            copy.tell(|_| "= its end".into());
            if catch_unwind(AssertUnwindSafe(|| end(&mut copy))).is_err() || copy.breach.is_some() {
                return copy.story.unwrap_or_default();
            }
        }
    }
    world.story.unwrap_or_default()
}

struct Search<'o> {
    options: &'o Options,
    /// Fingerprints of states, with the number of further steps that were searched from there.
    seen: HashMap<u64, u32, BuildHasherDefault<Same>>,
    path: Vec<Action>,
    steps: u64,
    followed: u64,
}

impl Search<'_> {
    fn from(&mut self, world: &mut World, left: u32) -> Result<(), Breach> {
        let mark = fingerprint(world);
        match self.seen.entry(mark) {
            Entry::Occupied(entry) if *entry.get() >= left => return Ok(()),
            Entry::Occupied(mut entry) => {
                entry.insert(left);
            }
            Entry::Vacant(entry) => {
                entry.insert(left);
                self.check(world, mark)?;
            }
        }
        if left == 0 {
            return Ok(());
        }
        for action in world.actions() {
            self.path.push(action);
            self.steps += 1;
            let mut next = world.clone();
            let acted = catch_unwind(AssertUnwindSafe(|| next.act(action)));
            let acted = acted.map_err(|panic| Breach::Panicked(words(&*panic)))?;
            if let Some(breach) = next.breach.take() {
                return Err(breach);
            }
            if acted {
                self.from(&mut next, left - 1)?;
            }
            self.path.pop();
        }
        Ok(())
    }

    /// What must hold in a state that is new.
    fn check(&mut self, world: &mut World, mark: u64) -> Result<(), Breach> {
        world.check_journals();
        if let Some(breach) = world.breach.take() {
            return Err(breach);
        }
        if self.options.heal_every > 0 && mark.is_multiple_of(self.options.heal_every) {
            self.followed += 1;
            follow(world)?;
        }
        Ok(())
    }
}

/// Follows a state to its quiet end.
fn follow(world: &World) -> Result<(), Breach> {
    for end in ENDS {
        let mut world = world.clone();
        let ended = catch_unwind(AssertUnwindSafe(|| end(&mut world)));
        ended.map_err(|panic| Breach::Panicked(words(&*panic)))?;
        world.breach.map_or(Ok(()), Err)?;
    }
    Ok(())
}

/// Goes one way, and follows its last state to the end.
pub(crate) fn walk(start: Start, options: &Options, path: &[Action]) -> Result<(), Breach> {
    let mut world = start.world(options);
    for action in path {
        world.act(*action);
        world.check_journals();
        if let Some(breach) = world.breach.take() {
            return Err(breach);
        }
    }
    follow(&world)
}

fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without words").to_owned()
}

/// Fingerprints are mixed already.
#[derive(Default)]
struct Same(u64);

impl Hasher for Same {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("fingerprints are numbers")
    }

    fn write_u64(&mut self, mark: u64) {
        self.0 = mark;
    }
}
