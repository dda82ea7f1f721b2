//! `karin login SERVICE`

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use anyhow::Context as _;
use clap::Args;
use karin::access::{Account, Secret, Service};
use karin::provider::{LoginReport, login, logout};

use crate::context::{Context, Report};
use crate::exit::Outcome;
use crate::provider::SettingFlags;

/// Arguments of `karin login`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// aviso, podaac (Earthdata Login) or cmems
    #[arg(value_name = "SERVICE")]
    service: Service,
    /// Name of the account; asked for if not given
    #[arg(long, value_name = "NAME", conflicts_with_all = ["token", "remove"])]
    username: Option<String>,
    /// Give a token instead of a name and a password (podaac)
    #[arg(long, conflicts_with = "remove")]
    token: bool,
    /// Store it without asking the service whether it accepts it
    #[arg(long)]
    no_check: bool,
    /// Remove the account from the keyring
    #[arg(long)]
    remove: bool,
    #[command(flatten)]
    settings: SettingFlags,
}

/// Stores an account. The password is read from the terminal without echo, or from stdin if that is a pipe; it is
/// never an argument.
pub fn run(arguments: &Arguments, context: &Context) -> anyhow::Result<Outcome> {
    let options = arguments.settings.options();
    let service = arguments.service;
    if arguments.remove {
        let keyring = logout(service, &options)?;
        context.note(&format!(
            "{} holds no account of {service} any more",
            keyring.display()
        ));
        return Ok(Outcome::Done);
    }
    if arguments.token && service != Service::Podaac {
        return Err(karin::Error::option("--token", "only podaac has tokens").into());
    }
    let account = if arguments.token {
        Account::Token(secret("Token: ")?)
    } else {
        let user = match &arguments.username {
            Some(user) => user.clone(),
            None => ask("Name: ")?,
        };
        Account::Password {
            user,
            password: secret("Password: ")?,
        }
    };
    context.answer(&login(service, &account, !arguments.no_check, &options)?)?;
    Ok(Outcome::Done)
}

/// A line of the terminal or of stdin.
fn ask(prompt: &str) -> anyhow::Result<String> {
    if std::io::stdin().is_terminal() {
        let mut err = std::io::stderr();
        // Where stderr is closed there is nobody to prompt.
        let _ = err.write_all(prompt.as_bytes()).and_then(|()| err.flush());
    }
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .context("reading from stdin")?;
    given(line.trim_end_matches(['\r', '\n']))
}

/// The same without echo.
fn secret(prompt: &str) -> anyhow::Result<Secret> {
    if !std::io::stdin().is_terminal() {
        return ask(prompt).map(Secret::new);
    }
    let line = rpassword::prompt_password(prompt).context("reading from the terminal")?;
    given(&line).map(Secret::new)
}

fn given(line: &str) -> anyhow::Result<String> {
    match line.is_empty() {
        true => Err(karin::Error::option("login", "nothing was given").into()),
        false => Ok(line.to_owned()),
    }
}

impl Report for LoginReport {
    fn write_text(&self, out: &mut dyn std::io::Write) -> std::io::Result<()> {
        let said = match self.checked {
            true => "accepts the account; it is",
            false => "was not asked (the first transfer will tell); the account is",
        };
        writeln!(
            out,
            "{} {said} in {}, readable by you alone",
            self.service,
            self.keyring.display()
        )
    }
}
