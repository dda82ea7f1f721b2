//! Running other programs, each with its name, its time and what became of it.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::time::Instant;

use anyhow::{Context as _, bail};

/// The root of the workspace.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Steps one after the other. What a lane in front runs prints as it goes; a lane beside it keeps the output of a step
/// and prints it whole when the step has ended, so that both can be read.
pub struct Lane {
    beside: bool,
    done: Mutex<Vec<Done>>,
}

/// What became of a step.
pub struct Done {
    /// What it is called.
    pub name: String,
    /// How long it took.
    pub seconds: f64,
    /// Whether it succeeded.
    pub passed: bool,
}

impl Lane {
    /// A lane whose steps print as they go.
    pub const fn in_front() -> Self {
        Self {
            beside: false,
            done: Mutex::new(Vec::new()),
        }
    }

    /// A lane whose steps print when they have ended.
    pub const fn beside() -> Self {
        Self {
            beside: true,
            done: Mutex::new(Vec::new()),
        }
    }

    /// Runs `command` in the workspace.
    ///
    /// # Errors
    /// If it cannot be started or fails.
    pub fn step(&self, name: &str, command: impl std::borrow::BorrowMut<Command>) -> anyhow::Result<()> {
        let mut command = command;
        let command = command.borrow_mut().current_dir(workspace());
        let start = Instant::now();
        let status = if self.beside {
            run_beside(name, command)
        } else {
            eprintln!("==> {name}");
            command.status().map_err(anyhow::Error::from)
        };
        self.ended(name, start, status)
    }

    /// Like [`Lane::step`] in front; `hear` gets every line of what the command says on its standard error, which is printed too.
    ///
    /// # Errors
    /// If it cannot be started or fails.
    pub fn step_heard(&self, name: &str, mut command: Command, hear: impl FnMut(&str)) -> anyhow::Result<()> {
        command.current_dir(workspace()).stderr(Stdio::piped());
        let start = Instant::now();
        eprintln!("==> {name}");
        self.ended(name, start, run_heard(&mut command, hear))
    }

    fn ended(&self, name: &str, start: Instant, status: anyhow::Result<ExitStatus>) -> anyhow::Result<()> {
        let passed = status.as_ref().is_ok_and(ExitStatus::success);
        let seconds = start.elapsed().as_secs_f64();
        eprintln!(
            "    {name}: {seconds:.0} s{}",
            if passed { "" } else { ", FAILED" }
        );
        self.note(name, seconds, passed);
        let status = status.with_context(|| format!("cannot run {name}"))?;
        if !passed {
            bail!("{name} failed ({status})");
        }
        Ok(())
    }

    /// What became of the steps so far, in their order.
    pub fn done(self) -> Vec<Done> {
        self.done
            .into_inner()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn note(&self, name: &str, seconds: f64, passed: bool) {
        let mut done = self
            .done
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        done.push(Done {
            name: name.to_owned(),
            seconds,
            passed,
        });
    }
}

/// Runs `command`, whose standard error is a pipe, and hears and prints that.
fn run_heard(command: &mut Command, mut hear: impl FnMut(&str)) -> anyhow::Result<ExitStatus> {
    let mut child = command.spawn()?;
    if let Some(said) = child.stderr.take() {
        for line in BufReader::new(said).split(b'\n') {
            let line = line?;
            let line = String::from_utf8_lossy(&line);
            eprintln!("{line}");
            hear(&line);
        }
    }
    Ok(child.wait()?)
}

/// Runs `command` with its output in `target/steps/NAME.log`, and prints that when it has ended.
fn run_beside(name: &str, command: &mut Command) -> anyhow::Result<ExitStatus> {
    eprintln!("==> {name} (begins, beside)");
    let folder = workspace().join("target/steps");
    std::fs::create_dir_all(&folder)?;
    let path = folder.join(format!("{}.log", name.replace([' ', '/'], "-")));
    let log = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    let status = command
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .status()?;
    let output = std::fs::read(&path)?;
    // One write, so that lines of the lane in front do not come between.
    let mut block = format!("==> {name}\n").into_bytes();
    block.extend(output);
    std::io::stderr().lock().write_all(&block)?;
    Ok(status)
}

/// `cargo` with these arguments, which white space parts.
pub fn cargo(arguments: &str) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments.split_whitespace());
    command
}

/// True if `program` can be started.
pub fn exists(program: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success())
}
