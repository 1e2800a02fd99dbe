//! The built daemon on loopback: start, serve, signals, restart, refusals. Ports are free ones, folders are new ones;
//! the client is a relay on 127.0.0.2, so that nothing but loopback is needed.

mod channels;
mod commands;
mod house;
mod log;
mod relay;
mod restart;
mod signals;
mod users;
