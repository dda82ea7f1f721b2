//! The `karin` command.

#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    std::process::ExitCode::from(karin_cli::main(std::env::args_os()))
}
