//! Terms of a lease: which settings hold for an address and a client, and how long the lease is. Pure.

use std::net::Ipv4Addr;

use crate::clock::Secs;
use crate::config::{BootSettings, GlobalPolicy, Host, OptionSet, Policy, Range, Subnet};
use crate::lease::Binding;
use crate::wire::codes;

/// Renewal time as a part of the lease, in eighths (RFC 2131 section 4.4.5: 0.5).
const T1_EIGHTHS: u64 = 4;
/// Rebinding time as a part of the lease, in eighths (RFC 2131 section 4.4.5: 0.875).
const T2_EIGHTHS: u64 = 7;

/// Everything that is configured for one address and client, from the narrowest to the widest section.
#[derive(Clone, Copy, Debug)]
pub struct Settings<'a> {
    /// [Options] of the server that the subnet belongs to.
    pub options: &'a OptionSet,
    /// Its global policies.
    pub global: &'a GlobalPolicy,
    /// The subnet of the address.
    pub subnet: &'a Subnet,
    /// The range that the address comes from; none for a reserved or unknown address.
    pub range: Option<&'a Range>,
    /// The client's [Host].
    pub host: Option<&'a Host>,
}

impl<'a> Settings<'a> {
    /// The value of an option: [Host] before [Range] before [Subnet] before [Options].
    #[must_use]
    pub fn option(&self, code: u8) -> Option<&'a [u8]> {
        let narrow = self.host.and_then(|host| host.options.get(code));
        let range = || self.range.and_then(|range| range.options.get(code));
        let wide = || self.subnet.options.get(code).or_else(|| self.options.get(code));
        narrow.or_else(range).or_else(wide)
    }

    /// The codes of all options that are configured, each at least once.
    pub fn codes(&self) -> impl Iterator<Item = u8> + 'a {
        let host = self.host.into_iter().flat_map(|host| host.options.iter());
        let range = self.range.into_iter().flat_map(|range| range.options.iter());
        host.chain(range).chain(self.subnet.options.iter()).chain(self.options.iter()).map(|entry| entry.0)
    }

    /// The policy: the range's, with the host's keys put over it.
    #[must_use]
    pub fn policy(&self) -> Policy {
        let base = self.range.map_or(&self.subnet.policy, |range| &range.policy);
        match self.host {
            Some(host) => host.policy.over(base),
            None => base.clone(),
        }
    }

    /// `siaddr`: NextServer.
    #[must_use]
    pub fn next_server(&self) -> Option<Ipv4Addr> {
        self.boot().find_map(|boot| boot.next_server)
    }

    /// `sname`: ServerName.
    #[must_use]
    pub fn server_name(&self) -> &'a str {
        self.boot().find_map(|boot| boot.server_name.as_deref()).unwrap_or("")
    }

    /// `file`: BootFile.
    #[must_use]
    pub fn boot_file(&self) -> &'a str {
        self.boot().find_map(|boot| boot.boot_file.as_deref()).unwrap_or("")
    }

    fn boot(&self) -> impl Iterator<Item = &'a BootSettings> {
        let host = self.host.map(|host| &host.boot);
        let range = self.range.map(|range| &range.boot);
        host.into_iter().chain(range).chain(std::iter::once(&self.subnet.boot))
    }
}

/// How long the lease is (RFC 2131 section 4.3.1): what the client asks for, where the policy lets it; else, for
/// a client that has the address, the time it was given before; else the default. Always within the policy's bounds.
#[must_use]
pub fn lease_time(policy: &Policy, requested: Option<Secs>, held: Option<Secs>) -> Secs {
    let wanted = requested.filter(|_| policy.honor_requested_lease_time).or(held).unwrap_or(policy.default_lease);
    let ceiling = if policy.maximum_lease.0 == 0 { Secs::INFINITE } else { policy.maximum_lease };
    // A lease of no time would end before the ACK is read.
    wanted.min(ceiling).max(policy.minimum_lease).max(Secs(1))
}

/// The time that a binding's client was given when it was last heard of.
#[must_use]
pub fn time_held(binding: &Binding<'_>) -> Secs {
    binding.end.remaining(binding.last_seen)
}

/// T1 and T2 for a lease: as configured where that leaves T1 < T2 < lease, else half and seven eighths of it.
/// None for an infinite lease, which needs no renewal, and for one too short to have both.
#[must_use]
pub fn renewal_times(settings: &Settings<'_>, lease: Secs) -> Option<(Secs, Secs)> {
    if lease.is_infinite() || lease.0 < 3 {
        return None;
    }
    let part = |eighths: u64| Secs(u32::try_from(u64::from(lease.0) * eighths / 8).unwrap_or(lease.0));
    let configured = |code: u8| {
        let value: Option<[u8; 4]> = settings.option(code).and_then(|value| value.try_into().ok());
        value.map(|value| Secs(u32::from_be_bytes(value)))
    };
    let t1 = configured(codes::RENEWAL_TIME).unwrap_or_else(|| part(T1_EIGHTHS));
    let t2 = configured(codes::REBINDING_TIME).unwrap_or_else(|| part(T2_EIGHTHS));
    if t1 < t2 && t2 < lease { Some((t1, t2)) } else { Some((part(T1_EIGHTHS), part(T2_EIGHTHS))) }
}
