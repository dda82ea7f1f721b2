//! The hash ledger: what every object of a collection must contain.
//!
//! Icechunk checks the form of its metadata and nothing else; a flipped bit may pass. So the hashes of all objects that
//! a commit makes reachable are written to an object of their own under `karin/ledger/`, which stock readers pass over,
//! before the commit swaps the repository's root, whose coming hash is in it too.
//!
//! ```text
//!   karin ledger 1
//!   <BLAKE3 of the object> <length> <name>        one line per object
//!   end <BLAKE3 of all lines above>
//! ```

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use chrono::Utc;

use crate::StoreError;
use crate::backend::random_below;
use crate::connection::Connection;

/// Where ledgers lie.
pub(crate) const PREFIX: &str = "karin/ledger";
const HEADER: &str = "karin ledger 1";

/// What one object must contain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) object: String,
    pub(crate) length: u64,
    pub(crate) hash: blake3::Hash,
}

impl Record {
    /// The record of an object with this content.
    pub(crate) fn of(object: &str, bytes: &[u8]) -> Self {
        Self {
            object: object.into(),
            length: bytes.len() as u64,
            hash: blake3::hash(bytes),
        }
    }
}

/// A name for a new ledger; names sort by time.
pub(crate) fn new_object() -> String {
    format!(
        "{PREFIX}/{:014}-{:016x}",
        Utc::now().timestamp_millis(),
        random_below(u64::MAX)
    )
}

/// A ledger as text.
pub(crate) fn encode(records: &[Record]) -> String {
    let mut text = format!("{HEADER}\n");
    for Record { object, length, hash } in records {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{} {length} {object}", hash.to_hex());
    }
    let seal = blake3::hash(text.as_bytes());
    let _ = writeln!(text, "end {}", seal.to_hex());
    text
}

/// The records of a ledger, and what is wrong with it, if anything: even a damaged ledger tells most hashes.
pub(crate) fn decode(bytes: &[u8]) -> (Vec<Record>, Option<String>) {
    let text = String::from_utf8_lossy(bytes);
    let (body, seal) = match text.rfind("end ") {
        Some(position) => text.split_at(position),
        None => (&*text, ""),
    };
    let records = body.lines().skip(1).filter_map(parse).collect();
    let expected = format!("end {}\n", blake3::hash(body.as_bytes()).to_hex());
    let fault = if !body.starts_with(HEADER) {
        Some("it does not begin as a ledger".to_owned())
    } else if seal != expected {
        Some("its seal does not match its content".to_owned())
    } else {
        None
    };
    (records, fault)
}

fn parse(line: &str) -> Option<Record> {
    let mut words = line.splitn(3, ' ');
    let hash = blake3::Hash::from_hex(words.next()?).ok()?;
    let length = words.next()?.parse().ok()?;
    Some(Record {
        object: words.next()?.into(),
        length,
        hash,
    })
}

/// All that the ledgers of a repository say.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// By object. The root has many records; an object that two creators wrote at once may have two.
    pub(crate) records: HashMap<String, Vec<(u64, blake3::Hash)>>,
    /// Ledgers that are themselves damaged, and how.
    pub(crate) damaged: BTreeMap<String, String>,
    /// Number of ledgers.
    pub(crate) objects: u64,
    /// Bytes of all ledgers.
    pub(crate) bytes: u64,
}

impl Ledger {
    /// Reads all ledgers.
    pub(crate) fn read(connection: &Connection) -> Result<Self, StoreError> {
        'again: for _ in 0..8 {
            let mut ledger = Self::default();
            for found in connection.list(PREFIX)? {
                let object = format!("{PREFIX}/{}", found.id);
                let Some(bytes) = connection.read(&object, None)? else {
                    // `gc` has just merged it into another, which this listing may lack.
                    continue 'again;
                };
                ledger.objects += 1;
                ledger.bytes += bytes.len() as u64;
                ledger.add(&object, &bytes);
            }
            return Ok(ledger);
        }
        Err(StoreError::Conflict {
            location: connection.label.clone(),
            reason: "ledgers vanished while they were read; try again after the garbage collection".into(),
        })
    }

    /// Takes in one ledger.
    pub(crate) fn add(&mut self, object: &str, bytes: &[u8]) {
        let (records, fault) = decode(bytes);
        for Record { object, length, hash } in records {
            let known = self.records.entry(object).or_default();
            if !known.contains(&(length, hash)) {
                known.push((length, hash));
            }
        }
        if let Some(fault) = fault {
            self.damaged.insert(object.into(), fault);
        }
    }

    /// What is wrong with an object of this length and hash: `None` if nothing.
    pub(crate) fn check(&self, object: &str, length: u64, hash: blake3::Hash) -> Checked {
        match self.records.get(object) {
            None => Checked::Unrecorded,
            Some(known) if known.contains(&(length, hash)) => Checked::Sound,
            Some(known) => match known.iter().map(|(recorded, _)| *recorded).max() {
                Some(recorded) if recorded != length => {
                    Checked::Damaged(format!("it has {length} bytes, {recorded} were written"))
                }
                _ => Checked::Damaged("its content is not what was written (BLAKE3 differs)".into()),
            },
        }
    }
}

/// The outcome of comparing one object with the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Checked {
    Sound,
    Damaged(String),
    Unrecorded,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_of_a_ledger_is_seen() {
        let records = [Record::of("chunks/A", b"abc"), Record::of("repo", b"")];
        let text = encode(&records).into_bytes();
        assert_eq!(decode(&text), (records.to_vec(), None));
        for bit in 0..text.len() * 8 {
            let mut flipped = text.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(decode(&flipped).1.is_some(), "bit {bit}");
        }
        for length in 0..text.len() {
            assert!(decode(&text[..length]).1.is_some(), "cut to {length}");
        }
    }
}
