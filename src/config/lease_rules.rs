//! What times and options of one section must be to each other, with what is inherited taken in.
//!
//! A contradiction within a section, or one that would make the server send nonsense, is an error; one that the server
//! resolves by itself is a notice.

use super::model::{ForceClass, Policy};
use super::option_set::OptionSet;
use super::report::Report;
use super::section::Section;

const ROUTERS: u8 = 3;
const RENEWAL_TIME: u8 = 58;
const REBINDING_TIME: u8 = 59;
const CLASSLESS_ROUTES: u8 = 121;

/// Checks the lease bounds; `policy` is what holds in the section, inherited values included.
pub(super) fn check_policy(section: &Section, policy: &Policy, report: &mut Report) {
    if section.entry("ForceClass").is_some() && policy.force_class != ForceClass::None {
        section.complain(report, "ForceClass", "classes are not supported by this version (legal: None)");
    }
    let is_written = |name: &str| section.entry(name).is_some();
    if !["DefaultLease", "MinimumLease", "MaximumLease"].into_iter().any(is_written) {
        return;
    }
    let (default, minimum, maximum) = (policy.default_lease.0, policy.minimum_lease.0, policy.maximum_lease.0);
    if maximum != 0 && minimum > maximum {
        let name = if is_written("MinimumLease") { "MinimumLease" } else { "MaximumLease" };
        let wrong =
            format!("MinimumLease {minimum} is over MaximumLease {maximum} (legal: at most that, or MaximumLease = 0)");
        section.complain(report, name, &wrong);
        return;
    }
    let (bound, name, side) = if maximum != 0 && default > maximum {
        (maximum, "MaximumLease", "over")
    } else if default < minimum {
        (minimum, "MinimumLease", "under")
    } else {
        return;
    };
    if is_written("DefaultLease") && is_written(name) {
        let wrong = format!("{default} is {side} {name} {bound} (legal: within MinimumLease and MaximumLease)");
        section.complain(report, "DefaultLease", &wrong);
    } else {
        let written = if is_written("DefaultLease") { "DefaultLease" } else { name };
        section.remark(
            report,
            written,
            &format!("DefaultLease {default} is {side} {name} {bound}; {bound} is granted"),
        );
    }
}

/// Checks the options that hang together; `options` is what holds in the section, inherited options included.
pub(super) fn check_options(section: &Section, options: &OptionSet, policy: &Policy, report: &mut Report) {
    let is_written = |code: u8| section.options.iter().any(|option| option.code == code);
    let (t1, t2) = (seconds(options, RENEWAL_TIME), seconds(options, REBINDING_TIME));
    let written_time = [RENEWAL_TIME, REBINDING_TIME].into_iter().find(|code| is_written(*code));
    if let Some(code) = written_time {
        let place = section.place_of_option(code);
        let lease = policy.default_lease.0;
        match (t1, t2) {
            (Some(t1), Some(t2)) if t1 >= t2 => report.error(
                place,
                format!(
                    "{} dhcp-renewal-time {t1} is not under dhcp-rebinding-time {t2} (legal: T1 < T2 < lease)",
                    section.label()
                ),
            ),
            (_, Some(time)) | (Some(time), None) if time >= lease => report.notice(
                place,
                format!("{} {time} s is not under DefaultLease {lease}: not sent with such leases", section.label()),
            ),
            _ => {}
        }
    }
    if (is_written(CLASSLESS_ROUTES) || is_written(ROUTERS)) && options.get(ROUTERS).is_some() {
        let lacks_default = |routes: &[u8]| !has_default_route(routes);
        if options.get(CLASSLESS_ROUTES).is_some_and(lacks_default) {
            let code = if is_written(CLASSLESS_ROUTES) { CLASSLESS_ROUTES } else { ROUTERS };
            let text = format!(
                "{} clients that take rfc3442-classless-static-routes ignore routers; add 0.0.0.0/0 to the routes",
                section.label()
            );
            report.notice(section.place_of_option(code), text);
        }
    }
}

fn seconds(options: &OptionSet, code: u8) -> Option<u32> {
    options.get(code)?.try_into().ok().map(u32::from_be_bytes)
}

/// Whether a value of option 121 has a route of prefix 0.
fn has_default_route(mut routes: &[u8]) -> bool {
    while let Some(prefix) = routes.first() {
        if *prefix == 0 {
            return true;
        }
        let length = 1 + usize::from(prefix.div_ceil(8)) + 4;
        routes = routes.get(length..).unwrap_or_default();
    }
    false
}
