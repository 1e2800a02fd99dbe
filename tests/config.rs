//! The configuration: grammar, every rule with the text and line of its message, samples, and hostile input.

#[path = "config/support.rs"]
mod support;

#[path = "config/channels.rs"]
mod channels;
#[path = "config/errors.rs"]
mod errors;
#[path = "config/grammar.rs"]
mod grammar;
#[path = "config/hostile.rs"]
mod hostile;
#[path = "config/meaning.rs"]
mod meaning;
#[path = "config/options.rs"]
mod options;
#[path = "config/partners.rs"]
mod partners;
#[path = "config/parts.rs"]
mod parts;
#[path = "config/reload.rs"]
mod reload;
#[path = "config/samples.rs"]
mod samples;
