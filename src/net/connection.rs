//! One connection of the control socket: a line in, an answer in chunks out. It never blocks.

use std::io::{ErrorKind, Read as _, Write as _};

use mio::net::UnixStream;

use super::control::{LINE_MAX, Rest};
use crate::clock::Mono;
use crate::server::event::ControlId;

/// The connection and what is under way on it.
#[derive(Debug)]
pub(crate) struct Connection {
    /// Its name towards the engine.
    pub(crate) id: ControlId,
    /// Whether the poll told of something since the last look.
    pub(crate) ready: bool,
    /// When something moved last.
    pub(crate) moved: Mono,
    stream: UnixStream,
    /// The request while it is read, the chunk while it is written.
    buffer: Vec<u8>,
    written: usize,
    phase: Phase,
}

/// Where the connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The line is not complete.
    Reading,
    /// The engine has the request, or was asked for more.
    Waiting,
    /// A chunk is being written; then more is to be asked for, or all is done.
    Writing(Rest),
    /// The chunk is out; more is to be asked for.
    Written,
    /// All is out.
    Done,
    /// The other side is gone.
    Gone,
}

/// What a look at the connection led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing for the engine.
    Nothing,
    /// The request is complete.
    Request,
    /// The next chunk can be taken.
    More,
    /// The other side is gone.
    Closed,
    /// The answer is out.
    Done,
}

impl Connection {
    /// A connection that has just been accepted.
    pub(crate) fn new(stream: UnixStream, id: ControlId, now: Mono) -> Connection {
        let (buffer, phase) = (Vec::new(), Phase::Reading);
        Connection { id, ready: true, moved: now, stream, buffer, written: 0, phase }
    }

    /// Reads or writes as far as it goes now.
    pub(crate) fn advance(&mut self, now: Mono) -> Step {
        self.ready = false;
        match self.phase {
            Phase::Reading => {
                let before = self.buffer.len();
                let step = self.read();
                if self.buffer.len() != before {
                    self.moved = now;
                }
                return step;
            }
            Phase::Writing(_) => {
                let before = self.written;
                self.write();
                if self.written != before {
                    self.moved = now;
                }
            }
            Phase::Waiting | Phase::Written | Phase::Done | Phase::Gone => {}
        }
        self.take_wants()
    }

    /// What is wanted without a word from the poll.
    pub(crate) fn wants(&self) -> Step {
        match self.phase {
            Phase::Written => Step::More,
            Phase::Done => Step::Done,
            Phase::Gone => Step::Closed,
            Phase::Reading | Phase::Waiting | Phase::Writing(_) => Step::Nothing,
        }
    }

    /// Like `wants`, and takes note that more has been asked for.
    pub(crate) fn take_wants(&mut self) -> Step {
        let step = self.wants();
        if step == Step::More {
            self.phase = Phase::Waiting;
        }
        step
    }

    /// The request, without its newline.
    pub(crate) fn line(&self) -> &str {
        std::str::from_utf8(&self.buffer).unwrap_or_default()
    }

    /// Whether the engine knows of this connection and must be told when it goes.
    pub(crate) fn is_known(&self) -> bool {
        self.phase != Phase::Reading && self.phase != Phase::Done
    }

    /// Takes a chunk of the answer and writes what can be written now.
    pub(crate) fn answer(&mut self, bytes: &[u8], rest: Rest) {
        match self.phase {
            Phase::Waiting => {
                self.buffer.clear();
                self.written = 0;
            }
            Phase::Writing(_) => {}
            Phase::Reading | Phase::Written | Phase::Done | Phase::Gone => return,
        }
        self.buffer.extend_from_slice(bytes);
        self.phase = Phase::Writing(rest);
        self.write();
    }

    fn read(&mut self) -> Step {
        let mut chunk = [0; 1024];
        loop {
            let count = match self.stream.read(&mut chunk) {
                Ok(0) => return Step::Closed,
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Step::Nothing,
                Err(_) => return Step::Closed,
            };
            let end = chunk[..count].iter().position(|octet| *octet == b'\n');
            self.buffer.extend_from_slice(&chunk[..end.unwrap_or(count)]);
            if self.buffer.len() > LINE_MAX {
                return self.refuse("error\nthe request is longer than 4096 octets\n");
            }
            if end.is_some() {
                return self.complete();
            }
        }
    }

    fn complete(&mut self) -> Step {
        if self.buffer.last() == Some(&b'\r') {
            self.buffer.pop();
        }
        if std::str::from_utf8(&self.buffer).is_err() {
            return self.refuse("error\nthe request is not UTF-8 text\n");
        }
        self.phase = Phase::Waiting;
        Step::Request
    }

    /// Answers without the engine.
    fn refuse(&mut self, words: &str) -> Step {
        self.phase = Phase::Waiting;
        self.answer(words.as_bytes(), Rest::Complete);
        self.wants()
    }

    fn write(&mut self) {
        let Phase::Writing(rest) = self.phase else { return };
        while self.written < self.buffer.len() {
            match self.stream.write(&self.buffer[self.written..]) {
                Ok(count) => self.written += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => {
                    self.phase = Phase::Gone;
                    return;
                }
            }
        }
        self.phase = match rest {
            Rest::More => Phase::Written,
            Rest::Complete => Phase::Done,
        };
    }
}
