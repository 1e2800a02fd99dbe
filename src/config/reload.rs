//! What a reload cannot change: values that the process has acted on before it gave up its rights.

use std::path::PathBuf;

use super::ConfigError;
use super::model::{ChannelSettings, Config, ParameterOrigin};

/// The keys whose change between `old`, which runs, and `new` needs a restart; empty: the reload may go on.
#[must_use]
pub fn reload_refusals(old: &Config, new: &Config) -> Vec<ConfigError> {
    let mut refusals = Vec::new();
    let (before, after) = (&old.server, &new.server);
    let user = |config: &Config| config.server.user.as_ref().map(|user| user.name.clone());
    let checks = [
        ("FailoverServerType", before.role != after.role),
        ("DhcpPort", before.dhcp_port != after.dhcp_port),
        ("StateDir", before.state_dir != after.state_dir),
        ("ControlSocket", before.control_socket != after.control_socket),
        ("User", user(old) != user(new)),
    ];
    let changed = checks.into_iter().filter(|(_, is_changed)| *is_changed);
    refusals.extend(changed.map(|(name, _)| refusal(old, new, ("Server", name))));
    if before.role == after.role {
        refusals.extend(channel_refusals(old, new));
    }
    refusals
}

/// There is one socket for all partners, bound before root was given up.
fn channel_refusals(old: &Config, new: &Config) -> Vec<ConfigError> {
    let (was, is) = match (old.failover_socket(), new.failover_socket()) {
        (Some(was), Some(is)) if was != is => (was, is),
        (None, Some(_)) => return vec![refusal(old, new, ("Failover", "UseFailoverServer"))],
        (None | Some(_), None | Some(_)) => return Vec::new(),
    };
    let (old_channels, new_channels) = (channels(old), channels(new));
    let mut refusals = Vec::new();
    for (section, channel) in &new_channels {
        let same = old_channels.iter().find(|(known, _)| known == section);
        let Some((_, before)) = same else { continue };
        let checks =
            [("FailoverPort", before.port != channel.port), ("FailoverAddress", before.address != channel.address)];
        let changed = checks.into_iter().filter(|(_, is_changed)| *is_changed);
        refusals.extend(changed.map(|(name, _)| refusal(old, new, (section, name))));
    }
    if !refusals.is_empty() {
        return refusals;
    }
    if was.ip() != is.ip() && old.server.address != new.server.address {
        return vec![refusal(old, new, ("Server", "ServerAddress"))];
    }
    // All primaries are new ones, with another socket.
    let section = new_channels.into_iter().next().map(|(section, _)| section).unwrap_or_default();
    let (key, was, is) = if was.port() == is.port() {
        ("FailoverAddress", was.ip().to_string(), is.ip().to_string())
    } else {
        ("FailoverPort", was.port().to_string(), is.port().to_string())
    };
    let (_, place) = effective(new, (&section, key));
    let (file, line) = place.unwrap_or_default();
    vec![ConfigError { file, line, text: refused((&section, key), &was, &is) }]
}

/// The channels with the titles of their sections.
fn channels(config: &Config) -> Vec<(String, &ChannelSettings)> {
    let failover = config.failover.iter().map(|failover| ("Failover".to_owned(), &failover.common));
    let primaries = config.primaries.iter().map(|primary| (format!("Primary {}", primary.name), &primary.common));
    failover.chain(primaries).collect()
}

/// Names key, both values and the place in the new file (or the file as a whole, where a default took over).
fn refusal(old: &Config, new: &Config, (section, name): (&str, &str)) -> ConfigError {
    let (was, _) = effective(old, (section, name));
    let (is, place) = effective(new, (section, name));
    let (file, line) = place.unwrap_or_default();
    ConfigError { file, line, text: refused((section, name), &was, &is) }
}

fn refused((section, name): (&str, &str), was: &str, is: &str) -> String {
    format!("[{section}] {name}: {was} cannot become {is} at a reload (legal: {was}, or a restart)")
}

/// Value and place of a parameter.
fn effective(config: &Config, (section, name): (&str, &str)) -> (String, Option<(PathBuf, u32)>) {
    let parameter = config.parameters.iter().find(|parameter| parameter.section == section && parameter.name == name);
    let place = parameter.and_then(|parameter| match &parameter.origin {
        ParameterOrigin::Set { file, line } => Some((file.clone(), *line)),
        ParameterOrigin::Default | ParameterOrigin::NotApplicable => None,
    });
    let any_file = config.parameters.iter().find_map(|parameter| match &parameter.origin {
        ParameterOrigin::Set { file, .. } => Some((file.clone(), 0)),
        ParameterOrigin::Default | ParameterOrigin::NotApplicable => None,
    });
    (parameter.map(|parameter| parameter.value.clone()).unwrap_or_default(), place.or(any_file))
}
