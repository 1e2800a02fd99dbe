//! Tells systemd how far the server is (sd_notify(3)): one datagram of text to the socket in NOTIFY_SOCKET.

use std::os::unix::net::UnixDatagram;
use std::path::Path;

/// Says `state`, such as `READY=1`; nothing happens where no one asked to be told, and a failure is not one of ours.
pub(crate) fn say(state: &str) {
    let Some(path) = std::env::var_os("NOTIFY_SOCKET") else { return };
    let Ok(socket) = UnixDatagram::unbound() else { return };
    // A full or dead notification socket must not stall the loop.
    let _ = socket.set_nonblocking(true);
    let sent = match path.to_str().and_then(|text| text.strip_prefix('@')) {
        Some(name) => send_abstract(&socket, name, state),
        None => socket.send_to(state.as_bytes(), &path),
    };
    if let Err(error) = sent {
        log::debug!("notification socket {}: {error}", Path::new(&path).display());
    }
}

#[cfg(target_os = "linux")]
fn send_abstract(socket: &UnixDatagram, name: &str, state: &str) -> std::io::Result<usize> {
    use std::os::linux::net::SocketAddrExt as _;
    let address = std::os::unix::net::SocketAddr::from_abstract_name(name.as_bytes())?;
    socket.send_to_addr(state.as_bytes(), &address)
}

#[cfg(not(target_os = "linux"))]
fn send_abstract(_: &UnixDatagram, _: &str, _: &str) -> std::io::Result<usize> {
    Err(std::io::ErrorKind::Unsupported.into())
}
