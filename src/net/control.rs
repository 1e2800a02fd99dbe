//! The control socket (Unix domain): one request line a connection, then the answer, then the end.
//!
//! At most [`CONNECTIONS_MAX`] connections, each with one line of at most [`LINE_MAX`] octets and one chunk of an
//! answer, so a slow reader costs a chunk and nobody's time. The engine composes the answers, a chunk a turn; the
//! next chunk is asked for (`ControlMore`) when the one before has been written.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mio::net::{UnixListener, UnixStream};
use mio::{Interest, Registry};
use nix::sys::stat::{Mode, umask};

use super::connection::{Connection, Step};
use super::error::NetError;
use super::token::Source;
use crate::clock::Mono;
use crate::server::event::{ControlId, Input};

/// Connections at a time: operators and monitoring, not the network.
pub(crate) const CONNECTIONS_MAX: usize = 16;

/// Octets of a request line.
pub(crate) const LINE_MAX: usize = 4096;

/// A connection on which nothing moves for this long is closed, so that a forgotten one does not hold a place.
const IDLE_MAX: Duration = Duration::from_secs(30);

/// What the user and the group may do with the socket: 0660.
const NOT_FOR_OTHERS: u16 = 0o117;

/// The listening socket and its connections.
#[derive(Debug)]
pub(crate) struct Control {
    listener: UnixListener,
    path: PathBuf,
    places: [Option<Connection>; CONNECTIONS_MAX],
    next_id: u32,
    accept_ready: bool,
}

impl Control {
    /// Makes the socket; one that was left behind is replaced only if no one answers on it.
    ///
    /// # Errors
    /// [`NetError::ControlBusy`] when someone does; [`NetError::Control`] when the system refuses.
    pub(crate) fn open(path: &Path) -> Result<Control, NetError> {
        let refused = |call| move |source| NetError::Control { path: path.to_owned(), call, source };
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists()) {
            fs::create_dir(folder).map_err(refused("mkdir"))?;
        }
        if is_answered(path).map_err(refused("look at what is there"))? {
            return Err(NetError::ControlBusy { path: path.to_owned() });
        }
        // The mask, not chmod afterwards: nobody else can connect in between.
        let before = umask(Mode::from_bits_truncate(NOT_FOR_OTHERS.into()));
        let bound = UnixListener::bind(path);
        umask(before);
        Ok(Control {
            listener: bound.map_err(refused("bind"))?,
            path: path.to_owned(),
            places: [const { None }; CONNECTIONS_MAX],
            next_id: 0,
            accept_ready: false,
        })
    }

    /// Lets the poll watch the socket.
    pub(crate) fn register(&mut self, registry: &Registry) -> io::Result<()> {
        registry.register(&mut self.listener, Source::Listener.token(), Interest::READABLE)
    }

    /// Notes that connections wait.
    pub(crate) fn on_listener(&mut self) {
        self.accept_ready = true;
    }

    /// Notes that something can be read or written at a place.
    pub(crate) fn on_connection(&mut self, place: usize) {
        if let Some(connection) = self.places.get_mut(place).and_then(Option::as_mut) {
            connection.ready = true;
        }
    }

    /// Accepts, reads, writes, and hands on what became of it.
    pub(crate) fn gather(&mut self, now: Mono, registry: &Registry, hand: &mut dyn FnMut(Input<'_>)) {
        if std::mem::take(&mut self.accept_ready) {
            self.accept(now, registry);
        }
        for place in &mut self.places {
            let Some(connection) = place else { continue };
            let step = if connection.ready { connection.advance(now) } else { connection.take_wants() };
            let id = connection.id;
            let idle = now.since(connection.moved) > IDLE_MAX;
            match step {
                Step::Nothing if !idle => {}
                Step::Request => hand(Input::Control { id, line: connection.line() }),
                Step::More => hand(Input::ControlMore { id }),
                Step::Closed | Step::Nothing => {
                    if connection.is_known() {
                        hand(Input::ControlClosed { id });
                    }
                    *place = None;
                }
                Step::Done => *place = None,
            }
        }
    }

    /// Takes a chunk of an answer and writes what can be written now. A connection that is gone takes nothing.
    pub(crate) fn answer(&mut self, id: ControlId, bytes: &[u8], rest: Rest) {
        let found = self.places.iter_mut().flatten().find(|connection| connection.id == id);
        if let Some(connection) = found {
            connection.answer(bytes, rest);
        }
    }

    /// Whether a turn is wanted at once: a chunk has been written and the next can be asked for, or an answer ended.
    pub(crate) fn is_hot(&self) -> bool {
        self.places.iter().flatten().any(|connection| connection.ready || !matches!(connection.wants(), Step::Nothing))
    }

    /// When the idle connection that is next to be closed is due.
    pub(crate) fn due(&self) -> Option<Mono> {
        self.places.iter().flatten().map(|connection| connection.moved + IDLE_MAX).min()
    }

    /// Removes the socket from the file system; what still can be written of answers has been.
    pub(crate) fn close(self) {
        if let Err(error) = fs::remove_file(&self.path) {
            log::debug!("control socket {}: {error}; the next start replaces it", self.path.display());
        }
    }

    fn accept(&mut self, now: Mono, registry: &Registry) {
        loop {
            let stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) => {
                    log::warn!("control socket: accept: {error}");
                    return;
                }
            };
            self.admit(stream, now, registry);
        }
    }

    fn admit(&mut self, mut stream: UnixStream, now: Mono, registry: &Registry) {
        let Some(place) = self.places.iter().position(Option::is_none) else {
            // One short line fits into a new connection; if it should not, the close says enough.
            let _ = io::Write::write(&mut stream, b"error\nall 16 control connections are in use; try again\n");
            return;
        };
        let interest = Interest::READABLE | Interest::WRITABLE;
        if let Err(error) = registry.register(&mut stream, Source::Connection(place).token(), interest) {
            log::warn!("control socket: {error}");
            return;
        }
        self.next_id = self.next_id.wrapping_add(1);
        self.places[place] = Some(Connection::new(stream, ControlId(self.next_id), now));
    }
}

/// Whether an answer is complete with a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    /// This was the last chunk.
    Complete,
    /// There is more to be asked for.
    More,
}

/// Whether someone answers on the socket at `path`; a socket where no one does is removed.
fn is_answered(path: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
        Ok(found) if !found.file_type().is_socket() => {
            return Err(io::Error::new(ErrorKind::AlreadyExists, "there is a file that is no socket"));
        }
        Ok(_) => {}
    }
    match std::os::unix::net::UnixStream::connect(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => fs::remove_file(path).map(|()| false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mio::Poll;
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::UnixStream as Client;

    /// Drives a control socket as the loop does; each request is answered by `chunks` of itself.
    struct Bench {
        control: Control,
        poll: Poll,
        seen: Vec<String>,
    }

    impl Bench {
        fn new(name: &str) -> Bench {
            let path = std::env::temp_dir().join(format!("understudy-{}-{name}.sock", std::process::id()));
            let mut control = Control::open(&path).expect("a socket");
            let poll = Poll::new().expect("a poll");
            control.register(poll.registry()).expect("registered");
            Bench { control, poll, seen: Vec::new() }
        }

        fn connect(&self) -> Client {
            Client::connect(&self.control.path).expect("connected")
        }

        fn turn(&mut self, now: Mono) -> Vec<ControlId> {
            let mut events = mio::Events::with_capacity(64);
            self.poll.poll(&mut events, Some(Duration::from_millis(20))).expect("polled");
            for event in &events {
                match Source::of(event.token()) {
                    Some(Source::Listener) => self.control.on_listener(),
                    Some(Source::Connection(place)) => self.control.on_connection(place),
                    Some(_) | None => {}
                }
            }
            let (mut ids, seen) = (Vec::new(), &mut self.seen);
            self.control.gather(now, self.poll.registry(), &mut |input| match input {
                Input::Control { id, line } => {
                    ids.push(id);
                    seen.push(line.to_owned());
                }
                Input::ControlMore { id } => {
                    ids.push(id);
                    seen.push("more".to_owned());
                }
                Input::ControlClosed { .. } => seen.push("closed".to_owned()),
                other => panic!("{other:?}"),
            });
            ids
        }

        fn turns(&mut self) -> Vec<ControlId> {
            (0..4).flat_map(|_| self.turn(Mono::default())).collect()
        }
    }

    #[test]
    fn a_request_in_pieces_is_answered_in_chunks_and_the_connection_closed() {
        let mut bench = Bench::new("pieces");
        let mut client = bench.connect();
        client.write_all(b"sta").expect("written");
        assert!(bench.turns().is_empty());
        client.write_all(b"tus\n").expect("written");
        let ids = bench.turns();
        assert_eq!(bench.seen, ["status"]);
        bench.control.answer(ids[0], b"ok\none\n", Rest::More);
        assert_eq!(bench.turns(), ids);
        assert_eq!(bench.seen, ["status", "more"]);
        bench.control.answer(ids[0], b"two\n", Rest::Complete);
        bench.turns();
        let mut answer = String::new();
        client.read_to_string(&mut answer).expect("closed after the answer");
        assert_eq!(answer, "ok\none\ntwo\n");
        assert_eq!(bench.seen, ["status", "more"], "no one is told of a regular end");
        bench.control.close();
    }

    #[test]
    fn a_slow_reader_gets_no_further_chunk_before_it_has_read() {
        let mut bench = Bench::new("slow");
        let mut client = bench.connect();
        client.write_all(b"leases\n").expect("written");
        let ids = bench.turns();
        let chunk = vec![b'x'; 4 << 20];
        bench.control.answer(ids[0], &chunk, Rest::More);
        assert!(bench.turns().is_empty());
        client.set_nonblocking(true).expect("set");
        let mut read = 0;
        while read < chunk.len() {
            let mut buffer = [0; 65536];
            read += client.read(&mut buffer).unwrap_or(0);
            bench.turn(Mono::default());
        }
        assert_eq!(bench.seen.last().map(String::as_str), Some("more"));
        drop(client);
        bench.control.answer(ids[0], &chunk, Rest::More);
        bench.turns();
        assert_eq!(bench.seen.last().map(String::as_str), Some("closed"));
        bench.control.close();
    }

    #[test]
    fn lines_that_are_too_long_or_no_text_are_refused_and_idle_connections_closed() {
        let mut bench = Bench::new("bad");
        for (request, words) in [(vec![b'x'; LINE_MAX + 1], "4096"), (b"\xff\xfe\n".to_vec(), "UTF-8")] {
            let mut client = bench.connect();
            client.write_all(&request).expect("written");
            bench.turns();
            let mut answer = String::new();
            client.read_to_string(&mut answer).expect("closed");
            assert!(answer.starts_with("error\n") && answer.contains(words), "{answer}");
        }
        let mut idle = bench.connect();
        bench.turns();
        bench.turn(Mono::default() + IDLE_MAX + Duration::from_secs(1));
        assert_eq!(idle.read(&mut [0]).expect("closed"), 0);
        assert!(bench.seen.is_empty());
        bench.control.close();
    }

    #[test]
    fn a_socket_in_use_is_left_alone_and_a_stale_one_replaced() {
        let mut bench = Bench::new("stale");
        assert!(matches!(Control::open(&bench.control.path), Err(NetError::ControlBusy { .. })));
        bench.turns();
        let path = bench.control.path.clone();
        drop(bench);
        assert!(path.exists());
        Control::open(&path).expect("replaced").close();
        assert!(!path.exists());
        fs::write(&path, "precious").expect("written");
        assert!(matches!(Control::open(&path), Err(NetError::Control { .. })));
        assert_eq!(fs::read_to_string(&path).expect("left alone"), "precious");
        fs::remove_file(&path).expect("removed");
    }

    #[test]
    fn a_connection_too_many_is_told_so() {
        let mut bench = Bench::new("many");
        let clients: Vec<Client> = (0..CONNECTIONS_MAX).map(|_| bench.connect()).collect();
        bench.turns();
        let mut refused = bench.connect();
        bench.turns();
        let mut answer = String::new();
        refused.read_to_string(&mut answer).expect("closed");
        assert!(answer.starts_with("error\n"), "{answer}");
        drop(clients);
        bench.turns();
        bench.connect().write_all(b"status\n").expect("written");
        assert_eq!(bench.turns().len(), 1);
        bench.control.close();
    }
}
