//! Sizes and signatures.

use crate::functions::{Function, functions};
use crate::tree::{files, sources, text};
use crate::{settle, split};

/// A file that is longer holds more than one thing.
const FILE_LINES_MAX: usize = 500;
/// A function that is longer does not fit a screen.
const FUNCTION_LINES_MAX: usize = 70;
/// `main.rs` only starts the server.
const MAIN_LINES_MAX: usize = 60;
/// As `max_width` in the formatter's settings, and some room for text that it does not break.
const LINE_COLUMNS_MAX: usize = 120;
/// A function that wants more wants a struct.
const PARAMETERS_MAX: usize = 4;

/// Programs, by their names' ends; `run` is a script without one.
const PROGRAMS: [&str; 5] = [".rs", ".sh", ".py", ".c", "/run"];

fn too_long(path: &str, text: &str, max: usize) -> Option<String> {
    let lines = text.lines().count();
    (lines > max).then(|| format!("{path}:{}: {lines} lines, at most {max}", max + 1))
}

fn long_functions(path: &str, code: &str) -> Vec<String> {
    let long = |function: &Function| function.lines > FUNCTION_LINES_MAX;
    let all = functions(code).into_iter().filter(long);
    all.map(|Function { name, line, lines, .. }| {
        format!("{path}:{line}: fn {name} has {lines} lines, at most {FUNCTION_LINES_MAX}")
    })
    .collect()
}

fn bad_signatures(path: &str, code: &str) -> Vec<String> {
    let mut findings = Vec::new();
    for Function { name, line, parameters, .. } in functions(code) {
        let count = parameters.len();
        if count > PARAMETERS_MAX {
            findings.push(format!("{path}:{line}: fn {name} has {count} parameters, at most {PARAMETERS_MAX}"));
        }
        let switches = parameters.iter().filter(|parameter| parameter.ends_with(": bool"));
        findings.extend(
            switches.map(|parameter| {
                format!("{path}:{line}: fn {name}({parameter}): an enum or two functions, not a bool")
            }),
        );
    }
    findings
}

#[test]
fn a_program_file_has_at_most_500_lines() {
    let programs = files().into_iter().filter(|path| PROGRAMS.iter().any(|end| path.ends_with(end)));
    let long = programs.filter_map(|path| too_long(&path, &text(&path), FILE_LINES_MAX));
    settle("long files", long.collect());
}

#[test]
fn the_main_file_has_at_most_60_lines() {
    settle("main.rs", too_long("src/main.rs", &text("src/main.rs"), MAIN_LINES_MAX).into_iter().collect());
}

#[test]
fn a_function_has_at_most_70_lines() {
    let all = sources("src/").into_iter().chain(sources("tests/"));
    settle("long functions", all.flat_map(|source| long_functions(&source.path, &source.code)).collect());
}

#[test]
fn a_function_has_at_most_4_parameters_and_no_bool_among_them() {
    let all = sources("src/").into_iter();
    settle("signatures", all.flat_map(|source| bad_signatures(&source.path, &source.shipped)).collect());
}

#[test]
fn a_line_has_at_most_120_columns() {
    let mut findings = Vec::new();
    for source in sources("src/").into_iter().chain(sources("tests/")) {
        for (index, line) in source.text.lines().enumerate() {
            let columns = line.chars().count();
            if columns > LINE_COLUMNS_MAX {
                findings.push(format!("{}:{}: {columns} columns", source.path, index + 1));
            }
        }
    }
    settle("long lines", findings);
}

#[test]
fn a_module_begins_with_its_documentation() {
    let all = sources("src/").into_iter().chain(sources("tests/"));
    let bare = all.filter(|source| !source.text.starts_with("//! "));
    settle("modules without a `//!` first line", bare.map(|source| format!("{}:1", source.path)).collect());
}

/// The checks above find what they are for, so that their silence means something.
#[test]
fn the_checks_of_shape_see_a_breach() {
    let long = format!("fn long() {{\n{}}}\n", "    step();\n".repeat(FUNCTION_LINES_MAX));
    assert_eq!(long_functions("a.rs", &long).len(), 1);
    assert!(long_functions("a.rs", &long.replacen("    step();\n", "", 2)).is_empty());

    let source = "fn f<F: Fn(u8) -> bool>(&mut self, a: [u8; 2], b: (u8, bool), c: F, d: Map<u8, u8>) {}\n\
                  fn g(a: u8, b: u8, c: u8, d: u8, e: u8);\nfn h(self: &Self, fast: bool) -> bool { true }\n";
    let findings = bad_signatures("a.rs", &split::split(source).code);
    assert_eq!(findings.len(), 2, "{findings:?}");
    assert!(findings[0].contains("a.rs:2: fn g has 5"), "{findings:?}");
    assert!(findings[1].contains("a.rs:3: fn h(fast: bool)"), "{findings:?}");
}

/// A brace in a string, a comment or a character does not end a function.
#[test]
fn literals_and_comments_are_told_from_code() {
    let source = "fn f<'a>(x: &'a str) { let _ = \"}\\\"}\"; /* } /* } */ } */ let c = '}'; \
                  r#\"\"}\"#; // }\n}\nfn g() {}";
    let halves = split::split(source);
    assert_eq!(halves.code.len(), source.len());
    assert_eq!(halves.code.matches('}').count(), 2, "{}", halves.code);
    let found = functions(&halves.code);
    assert_eq!(found.iter().map(|function| function.lines).collect::<Vec<_>>(), [2, 1]);
    assert!(halves.comments.contains("// }") && !halves.comments.contains("let"));
}

/// A test module inside a file is no part of what is shipped.
#[test]
fn test_modules_are_cut_out() {
    let source = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\nfn c() {}\n";
    let shipped = split::without_tests(source);
    let names: Vec<String> = functions(&shipped).into_iter().map(|function| function.name).collect();
    assert_eq!(names, ["a", "c"]);
    assert_eq!(shipped.lines().count(), source.lines().count());
}
