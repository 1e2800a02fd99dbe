//! The operator's tool: hands its arguments to [`understudy::ctl`] and ends with the code that comes back.

use std::io;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    ExitCode::from(understudy::ctl::run(&arguments, &mut io::stdout().lock(), &mut io::stderr().lock()))
}
