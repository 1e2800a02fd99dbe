//! Commands on a lease journal, for which the server need not run: `journal verify` and `journal dump`.
//!
//! Both read and never write, and hold one record at a time. The journal says what is whole and what is torn or
//! damaged; here that becomes text and exit codes.

use std::fmt;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::arguments::{Format, JournalAct, JournalRequest};
use super::render::{json_record, text_record};
use super::{EXIT_IO, EXIT_REFUSED, complain, written};
use crate::journal::{self, FileKind, FileStorage, JournalError, Position, Report, Scope};
use crate::json::quoted as json_text;
use crate::lease::record::{Record, RecordError};

/// Octets that gather before they are written out.
const BUFFER_OCTETS: usize = 64 * 1024;

/// Why a journal cannot be called whole.
#[derive(Debug)]
enum OfflineError {
    /// The path cannot be looked at.
    Path { path: PathBuf, source: io::Error },
    /// The folder holds no journal.
    Nothing { path: PathBuf },
    /// Checksums match, and yet records cannot be read: another version wrote them.
    Unreadable { records: u64, first: String, error: RecordError },
    /// What the journal says.
    Journal(JournalError),
}

impl fmt::Display for OfflineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OfflineError::Path { path, source } => write!(f, "{}: {source}", path.display()),
            OfflineError::Nothing { path } => {
                write!(f, "{}: no lease journal is there; name the StateDir or a file of it", path.display())
            }
            OfflineError::Unreadable { records, first, error } => {
                write!(f, "records that cannot be read: {records}, the first {first}: {error}")
            }
            OfflineError::Journal(error) => error.fmt(f),
        }
    }
}

impl From<JournalError> for OfflineError {
    fn from(error: JournalError) -> OfflineError {
        OfflineError::Journal(error)
    }
}

impl OfflineError {
    /// The system refused something: 74. Anything else is about the journal itself: 1.
    fn code(&self) -> u8 {
        match self {
            OfflineError::Path { .. } | OfflineError::Journal(JournalError::Io { .. }) => EXIT_IO,
            OfflineError::Nothing { .. } | OfflineError::Unreadable { .. } | OfflineError::Journal(_) => EXIT_REFUSED,
        }
    }
}

/// Carries out `journal verify` or `journal dump` and returns the exit code.
pub fn run(request: &JournalRequest, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let mut printer = Printer::new(request.format, out);
    let result = match request.act {
        JournalAct::Verify => read(&request.path, &mut |_, _| {}).map(|report| printer.report(&report)),
        JournalAct::Dump => {
            printer.begin();
            let result = read(&request.path, &mut |position, record| printer.record(position, record));
            printer.end();
            result.map(|_| ())
        }
    };
    let code = written(printer.finish(), err);
    match result {
        Ok(()) => code,
        Err(error) => {
            complain(err, &error);
            error.code()
        }
    }
}

/// What `read` hands over for each record.
type Visit<'v> = dyn FnMut(&Position<'_>, Result<Record<'_>, RecordError>) + 'v;

/// Reads the whole journal, or the one file, behind `path`.
fn read(path: &Path, visit: &mut Visit<'_>) -> Result<Report, OfflineError> {
    let refused = |source| OfflineError::Path { path: path.to_owned(), source };
    let nothing = || OfflineError::Nothing { path: path.to_owned() };
    let is_folder = path.metadata().map_err(refused)?.is_dir();
    let file = path.file_name().and_then(|name| name.to_str());
    let (folder, scope) = match (is_folder, file) {
        (true, _) => (path, Scope::Folder),
        (false, Some(name)) => (path.parent().unwrap_or(Path::new("")), Scope::File(name)),
        (false, None) => return Err(nothing()),
    };
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let mut unreadable = 0;
    let mut first = None;
    let mut each = |position: &Position<'_>, payload: &[u8]| {
        let record = Record::decode(payload);
        if let Err(error) = &record {
            unreadable += 1;
            first.get_or_insert_with(|| (place(position), *error));
        }
        visit(position, record);
    };
    let report = journal::dump(&mut FileStorage::new(folder), scope, &mut each)?;
    if let Some((first, error)) = first {
        return Err(OfflineError::Unreadable { records: unreadable, first, error });
    }
    if report.files.is_empty() { Err(nothing()) } else { Ok(report) }
}

fn place(position: &Position<'_>) -> String {
    let Position { file, offset, batch, index } = position;
    format!("{file} byte {offset} batch {batch} record {index}")
}

/// Writes records and reports; the first failure to write ends the writing, and comes out of `finish`.
struct Printer<'a> {
    format: Format,
    out: BufWriter<&'a mut dyn Write>,
    records: u64,
    result: io::Result<()>,
}

impl<'a> Printer<'a> {
    fn new(format: Format, out: &'a mut dyn Write) -> Printer<'a> {
        Printer { format, out: BufWriter::with_capacity(BUFFER_OCTETS, out), records: 0, result: Ok(()) }
    }

    fn begin(&mut self) {
        if self.format == Format::Json {
            self.put(format_args!("["));
        }
    }

    fn record(&mut self, position: &Position<'_>, record: Result<Record<'_>, RecordError>) {
        let Position { file, offset, batch, index } = position;
        let first = self.records == 0;
        self.records += 1;
        match self.format {
            Format::Text => {
                let shown = record.map_or_else(|error| error.to_string(), |record| text_record(&record));
                self.put(format_args!("{}: {shown}\n", place(position)));
            }
            Format::Json => {
                let comma = if first { "" } else { "," };
                let shown = record.map_or_else(
                    |error| format!("\"kind\":\"unreadable\",\"error\":{}", json_text(&error.to_string())),
                    |record| json_record(&record),
                );
                let file = json_text(file);
                self.put(format_args!(
                    "{comma}\n{{\"file\":{file},\"offset\":{offset},\"batch\":{batch},\"index\":{index},{shown}}}"
                ));
            }
        }
    }

    fn end(&mut self) {
        if self.format == Format::Json {
            self.put(format_args!("\n]\n"));
        }
    }

    fn report(&mut self, report: &Report) {
        match self.format {
            Format::Text => self.text_report(report),
            Format::Json => self.json_report(report),
        }
    }

    fn text_report(&mut self, report: &Report) {
        for file in &report.files {
            let (path, kind) = (file.path.display(), kind(file.kind));
            let (batches, first, octets) = (file.batches, file.first_batch, file.octets);
            self.put(format_args!("{path}: {kind}, {batches} batches from number {first}, {octets} octets\n"));
        }
        let end = match (report.clean_stop, report.torn_bytes) {
            (true, _) => "ends with a clean stop".to_owned(),
            (false, 0) => "no clean stop at the end: the server runs, or ended without notice".to_owned(),
            (false, octets) => {
                format!("{octets} octets of an unfinished batch at the end, which no answer rests on")
            }
        };
        self.put(format_args!("whole: {} records, {end}\n", report.records));
    }

    fn json_report(&mut self, report: &Report) {
        let Report { records, torn_bytes, clean_stop, .. } = report;
        self.put(format_args!("{{\"records\":{records},\"torn_bytes\":{torn_bytes},"));
        self.put(format_args!("\"clean_stop\":{clean_stop},\"files\":["));
        for (index, file) in report.files.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            let (path, kind) = (json_text(&file.path.to_string_lossy()), kind(file.kind));
            let (first, batches, octets) = (file.first_batch, file.batches, file.octets);
            self.put(format_args!("{comma}{{\"path\":{path},\"kind\":\"{kind}\",\"first_batch\":{first},"));
            self.put(format_args!("\"batches\":{batches},\"octets\":{octets}}}"));
        }
        self.put(format_args!("]}}\n"));
    }

    fn put(&mut self, text: fmt::Arguments<'_>) {
        if self.result.is_ok() {
            self.result = self.out.write_fmt(text);
        }
    }

    fn finish(mut self) -> io::Result<()> {
        self.result.and_then(|()| self.out.flush())
    }
}

fn kind(kind: FileKind) -> &'static str {
    match kind {
        FileKind::Segment => "segment",
        FileKind::Snapshot => "snapshot",
    }
}
