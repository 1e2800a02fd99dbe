//! The DHCP codec from outside: golden packets of real clients, round trips, a second opinion, hostile input, and
//! each rule of overload, splitting and limits by itself.

mod cursor;
mod emission;
mod frame;
mod golden;
mod hostile;
mod layout;
mod limits;
mod oracle;
mod reading;
mod relay;
mod round_trip;
mod samples;
mod seeded;
