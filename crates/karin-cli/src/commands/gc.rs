//! `karin gc COLLECTION`

use std::io::Write;
use std::time::Duration;

use clap::Args;
use karin::store::{GcOptions, GcReport, collect_garbage};

use crate::context::{Context, Report};
use crate::exit::Outcome;
use crate::store::StoreFlags;

/// Arguments of `karin gc`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The collection
    collection: String,
    /// Keep the snapshots of this time, as 30d or 12h; the newest stays always
    #[arg(long, value_name = "AGE", default_value = "30d", value_parser = age)]
    keep: Duration,
    /// Leave what is younger than this, which a running ingest may be about to commit
    #[arg(long, value_name = "AGE", default_value = "1d", value_parser = age)]
    grace: Duration,
    /// Only say what would go
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    store: StoreFlags,
}

/// Expires old snapshots and deletes what no kept snapshot needs.
pub fn run(arguments: &Arguments, context: &Context) -> anyhow::Result<Outcome> {
    let options = GcOptions {
        keep: arguments.keep,
        grace: arguments.grace,
        dry_run: arguments.dry_run,
    };
    let report = collect_garbage(&arguments.collection, &arguments.store.options(), &options)?;
    context.answer(&report)?;
    Ok(Outcome::Done)
}

/// A number with a unit: `30d`, `12h`, `90m`, `10s`.
fn age(text: &str) -> Result<Duration, String> {
    let wrong = || "expected a number with d, h, m or s, as 30d".to_owned();
    let unit = text.chars().last().ok_or_else(wrong)?;
    let seconds = match unit {
        'd' => 86_400,
        'h' => 3600,
        'm' => 60,
        's' => 1,
        _ => return Err(wrong()),
    };
    let number: u64 = text
        .strip_suffix(unit)
        .and_then(|number| number.parse().ok())
        .ok_or_else(wrong)?;
    number
        .checked_mul(seconds)
        .map(Duration::from_secs)
        .ok_or_else(wrong)
}

impl Report for GcReport {
    fn write_text(&self, out: &mut dyn Write) -> std::io::Result<()> {
        let would = if self.dry_run { "would go: " } else { "gone: " };
        writeln!(
            out,
            "{would}{} snapshots, {} objects ({} with chunks), {} backups of the root, {} unfinished files: {:.1} MB",
            self.expired.len(),
            self.objects,
            self.chunk_objects,
            self.backups,
            self.temporary_files,
            self.bytes as f64 / 1e6,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_have_units() {
        assert_eq!(age("30d"), Ok(Duration::from_secs(2_592_000)));
        assert_eq!(age("0s"), Ok(Duration::ZERO));
        for wrong in ["", "30", "d", "-1d", "1.5h", "3 weeks", "99999999999999999d"] {
            assert!(age(wrong).is_err(), "{wrong}");
        }
    }
}
