//! What keeps the sockets from being opened or the loop from running.

use std::fmt;
use std::io;
use std::net::SocketAddrV4;
use std::path::PathBuf;

use crate::engine::Fatal;

/// A refusal of the system at start, or the end of the loop.
#[derive(Debug)]
pub enum NetError {
    /// The DHCP port is not to be had.
    Port {
        /// The port.
        port: u16,
        /// What the system said.
        source: io::Error,
    },
    /// The failover port is not to be had.
    FailoverPort {
        /// Address and port.
        local: SocketAddrV4,
        /// What the system said.
        source: io::Error,
    },
    /// The control socket cannot be made.
    Control {
        /// Its path.
        path: PathBuf,
        /// The call that failed.
        call: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// Another process answers on the control socket.
    ControlBusy {
        /// Its path.
        path: PathBuf,
    },
    /// A call without which no loop can run.
    System {
        /// The call.
        call: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// SyncFailCritical is set and the sync at start failed.
    SyncFailed {
        /// The primary.
        primary: String,
    },
    /// The engine stopped the process: a write or sync failed.
    Fatal(Fatal),
}

impl fmt::Display for NetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NetError::SyncFailed { primary } => write!(
                f,
                "the sync with primary {primary} failed and SyncFailCritical is set; start again when it can be reached"
            ),
            NetError::Port { port, source } => {
                write!(f, "UDP port {port}: {source}; ")?;
                match source.kind() {
                    io::ErrorKind::AddrInUse => {
                        f.write_str("another DHCP server or relay runs here: stop it, or set DhcpPort")
                    }
                    io::ErrorKind::PermissionDenied => f.write_str("start as root, or with CAP_NET_BIND_SERVICE"),
                    _ => f.write_str("set DhcpPort to a port that is free"),
                }
            }
            NetError::FailoverPort { local, source } => {
                write!(f, "failover port {local}: {source}; ")?;
                f.write_str(match source.kind() {
                    io::ErrorKind::AddrInUse => "another program has it: stop that one, or set FailoverPort",
                    io::ErrorKind::AddrNotAvailable => {
                        "set FailoverAddress (or ServerAddress) to an address of this host, or wait until it is up"
                    }
                    io::ErrorKind::PermissionDenied => "start as root, or with CAP_NET_BIND_SERVICE",
                    _ => "set FailoverPort to a port that is free",
                })
            }
            NetError::Control { path, call, source } => {
                write!(f, "control socket {}: {call}: {source}; make its folder, or set ControlSocket", path.display())
            }
            NetError::ControlBusy { path } => {
                write!(
                    f,
                    "control socket {}: another process answers on it; stop that one, or set ControlSocket",
                    path.display()
                )
            }
            NetError::System { call, source } => write!(f, "{call}: {source}"),
            NetError::Fatal(fatal) => fatal.fmt(f),
        }
    }
}

impl std::error::Error for NetError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            NetError::Port { source, .. }
            | NetError::FailoverPort { source, .. }
            | NetError::Control { source, .. }
            | NetError::System { source, .. } => Some(source),
            NetError::ControlBusy { .. } | NetError::SyncFailed { .. } => None,
            NetError::Fatal(fatal) => Some(fatal),
        }
    }
}

impl From<Fatal> for NetError {
    fn from(fatal: Fatal) -> NetError {
        NetError::Fatal(fatal)
    }
}
