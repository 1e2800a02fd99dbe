//! One request to the running server: a line out, an answer back, until the server closes.
//!
//! The first line of an answer is `ok` or `error`; the rest goes to standard output or standard error as it
//! comes, a buffer at a time, so a million leases need no memory here. Control characters other than tab and
//! newline become `?`: host names in answers come from clients, and a terminal obeys escape sequences.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use socket2::{Domain, SockAddr, Socket, Type};

use super::{EXIT_IO, EXIT_OK, EXIT_REFUSED, EXIT_UNAVAILABLE, complain};

/// How long the server may say nothing: many times its slowest turn, yet a script does not hang for ever.
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// Octets read at once.
const BUFFER_OCTETS: usize = 64 * 1024;

/// The longest first line of an answer, `error` and its newline, with room to spare.
const VERDICT_OCTETS_MAX: usize = 64;

/// Where an answer goes.
pub struct Terminal<'a> {
    /// What was asked for.
    pub out: &'a mut dyn Write,
    /// What went wrong.
    pub err: &'a mut dyn Write,
}

/// Why there is no whole answer.
#[derive(Debug)]
pub enum AskError {
    /// Nobody listens on the socket, or its folder may not be entered.
    Unreachable {
        /// The socket.
        socket: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The server said nothing for [`SILENCE_MAX`].
    Silent {
        /// The socket.
        socket: PathBuf,
    },
    /// The connection broke in the middle.
    Broken {
        /// The socket.
        socket: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The answer begins with neither `ok` nor `error`.
    Foreign {
        /// The socket.
        socket: PathBuf,
    },
    /// The answer could not be written.
    Output(io::Error),
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AskError::Unreachable { socket, source } => write!(
                f,
                "{}: {source}; does understudyd run, and is its ControlSocket this one (-s names another)?",
                socket.display()
            ),
            AskError::Silent { socket } => {
                write!(f, "{}: no answer in {} s", socket.display(), SILENCE_MAX.as_secs())
            }
            AskError::Broken { socket, source } => {
                write!(f, "{}: the answer broke off: {source}", socket.display())
            }
            AskError::Foreign { socket } => {
                write!(f, "{}: the answer is not one of understudyd", socket.display())
            }
            AskError::Output(source) => write!(f, "standard output: {source}"),
        }
    }
}

impl std::error::Error for AskError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            AskError::Unreachable { source, .. } | AskError::Broken { source, .. } => Some(source),
            AskError::Output(source) => Some(source),
            AskError::Silent { .. } | AskError::Foreign { .. } => None,
        }
    }
}

/// Asks `line` of the server behind `socket`, prints the answer and returns the exit code.
pub fn run(socket: &Path, line: &str, terminal: &mut Terminal<'_>) -> u8 {
    let result = connect(socket, line).and_then(|mut stream| copy(socket, &mut stream, terminal));
    match result {
        Ok(code) => code,
        Err(AskError::Output(error)) if error.kind() == ErrorKind::BrokenPipe => EXIT_OK,
        Err(error) => {
            complain(terminal.err, &error);
            if matches!(error, AskError::Output(_)) { EXIT_IO } else { EXIT_UNAVAILABLE }
        }
    }
}

/// Connects and sends the request. The sending time-out is set first, since it bounds the connecting too.
fn connect(path: &Path, line: &str) -> Result<Socket, AskError> {
    let unreachable = |source| AskError::Unreachable { socket: path.to_owned(), source };
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None).map_err(unreachable)?;
    socket.set_write_timeout(Some(SILENCE_MAX)).map_err(unreachable)?;
    socket.set_read_timeout(Some(SILENCE_MAX)).map_err(unreachable)?;
    SockAddr::unix(path).and_then(|address| socket.connect(&address)).map_err(unreachable)?;
    let mut stream = &socket;
    stream.write_all(format!("{line}\n").as_bytes()).map_err(|source| broken(path, source))?;
    Ok(socket)
}

fn copy(path: &Path, stream: &mut dyn Read, terminal: &mut Terminal<'_>) -> Result<u8, AskError> {
    let mut buffer = vec![0; BUFFER_OCTETS];
    let mut filled = 0;
    let end = loop {
        if let Some(end) = buffer[..filled].iter().position(|byte| *byte == b'\n') {
            break end;
        }
        let count = receive(path, stream, &mut buffer[filled..])?;
        if count == 0 && filled == 0 {
            return Err(broken(path, ErrorKind::UnexpectedEof.into()));
        }
        if count == 0 || filled > VERDICT_OCTETS_MAX {
            return Err(AskError::Foreign { socket: path.to_owned() });
        }
        filled += count;
    };
    let (sink, code): (&mut dyn Write, u8) = match &buffer[..end] {
        b"ok" => (terminal.out, EXIT_OK),
        b"error" => (terminal.err, EXIT_REFUSED),
        _ => return Err(AskError::Foreign { socket: path.to_owned() }),
    };
    let mut start = end + 1;
    loop {
        let chunk = &mut buffer[start..filled];
        harmless(chunk);
        sink.write_all(chunk).map_err(AskError::Output)?;
        start = 0;
        filled = receive(path, stream, &mut buffer)?;
        if filled == 0 {
            sink.flush().map_err(AskError::Output)?;
            return Ok(code);
        }
    }
}

fn receive(path: &Path, stream: &mut dyn Read, buffer: &mut [u8]) -> Result<usize, AskError> {
    loop {
        match stream.read(buffer) {
            Ok(count) => return Ok(count),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return Err(AskError::Silent { socket: path.to_owned() });
            }
            Err(error) => return Err(broken(path, error)),
        }
    }
}

fn broken(path: &Path, source: io::Error) -> AskError {
    AskError::Broken { socket: path.to_owned(), source }
}

/// Replaces control characters, so that no text of a client can steer the terminal.
fn harmless(text: &mut [u8]) {
    for byte in text {
        if byte.is_ascii_control() && *byte != b'\n' && *byte != b'\t' {
            *byte = b'?';
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives a text in pieces of a few octets, as a slow server does.
    struct Pieces<'a>(&'a [u8]);

    impl Read for Pieces<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.0.len().min(buffer.len()).min(2);
            let (now, later) = self.0.split_at(count);
            buffer[..count].copy_from_slice(now);
            self.0 = later;
            Ok(count)
        }
    }

    fn answer(text: &str) -> (Result<u8, String>, String, String) {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut terminal = Terminal { out: &mut out, err: &mut err };
        let result = copy(Path::new("s"), &mut Pieces(text.as_bytes()), &mut terminal);
        let utf8 = |bytes| String::from_utf8(bytes).expect("text");
        (result.map_err(|error| error.to_string()), utf8(out), utf8(err))
    }

    #[test]
    fn the_first_line_decides_where_the_rest_goes() {
        assert_eq!(answer("ok\na\nb\n"), (Ok(EXIT_OK), "a\nb\n".to_owned(), String::new()));
        assert_eq!(answer("error\nno\n"), (Ok(EXIT_REFUSED), String::new(), "no\n".to_owned()));
        assert_eq!(answer("ok\n"), (Ok(EXIT_OK), String::new(), String::new()));
    }

    #[test]
    fn an_answer_without_a_verdict_is_refused() {
        for text in ["okay\nx", "HTTP/1.1 400 Bad Request\r\n", "ok", &"x".repeat(200)] {
            assert_eq!(answer(text).0, Err("s: the answer is not one of understudyd".to_owned()), "{text}");
        }
        let early = answer("").0.expect_err("no answer");
        assert!(early.starts_with("s: the answer broke off: "), "{early}");
    }

    #[test]
    fn an_escape_sequence_in_a_host_name_does_not_reach_the_terminal() {
        assert_eq!(answer("ok\nhost\x1b[2J\x07\tM\u{fc}ller\r\n").1, "host?[2J?\tM\u{fc}ller?\n");
    }
}
