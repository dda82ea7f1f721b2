//! `karin auth status`

use clap::{Args, Subcommand};
use karin::access::credentials::SOURCES;
use karin::provider::{AuthRow, auth_status};
use serde::Serialize;

use crate::context::{Context, Report};
use crate::exit::Outcome;
use crate::provider::SettingFlags;
use crate::table::Table;

/// Arguments of `karin auth`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Tell which account each provider gets and where it comes from; no value is shown
    Status(SettingFlags),
}

#[derive(Serialize)]
struct Status {
    services: Vec<AuthRow>,
    /// Where accounts are looked for; the first source that has one wins.
    order: [&'static str; 4],
}

/// Tells which accounts are used.
pub fn run(arguments: &Arguments, context: &Context) -> anyhow::Result<Outcome> {
    let What::Status(settings) = &arguments.what;
    context.answer(&Status {
        services: auth_status(&settings.options())?,
        order: SOURCES,
    })?;
    Ok(Outcome::Done)
}

impl Report for Status {
    fn write_text(&self, out: &mut dyn std::io::Write) -> std::io::Result<()> {
        let mut table = Table::new(["service", "account", "from"]);
        for row in &self.services {
            table.row([
                row.service.name(),
                row.account.unwrap_or("none"),
                row.source.as_deref().unwrap_or(""),
            ]);
        }
        table.write(out)?;
        for row in &self.services {
            for passed_over in &row.passed_over {
                writeln!(out, "{}: passed over {passed_over}", row.service)?;
            }
        }
        writeln!(out, "\nThe first source that has an account wins:")?;
        for (index, source) in self.order.iter().enumerate() {
            writeln!(out, "{}. {source}", index + 1)?;
        }
        Ok(())
    }
}
