//! Chaos in a lab: two primaries and their failover under everything that a network, a machine or an operator does to
//! servers, with 200 clients, and an observer on the clients' side that reads packets and nothing else.
//!
//! `make chaos` runs it for minutes; as a test it runs for half a minute, so that it cannot rot. The faults follow from
//! a seed (`schedule`); `lab` brings them about, `reach` knows who could have answered whom at any time, `verdict`
//! puts the observer's report (`observer.py`), the servers' logs and their tables together. Hosts, switch and crowds
//! are those of the pair tests.

mod lab;
mod logs;
mod observer;
mod reach;
mod runs;
mod schedule;
mod teeth;
mod verdict;
