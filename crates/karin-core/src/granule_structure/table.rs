//! Reads the tables of granule structures.
//!
//! A table is read from top to bottom. Lines that are indented belong to the statement above them; `#` begins a
//! comment line. Statements:
//!
//! ```text
//! order NAME...              the order in which attributes of variables are written (may be continued)
//! deflate LEVEL              shuffle and this level for every variable
//! dimension NAME SIZE        in the order in which files define them; a product defines those it uses
//! bits FAMILY                meanings of flag bits, one `POSITION MEANING` a line
//! kind NAME = TYPE DIM...    variables of one type (ncdump's names), shape and packing: attributes they share
//! KIND NAME                  a variable: its kind's attributes and its own
//! like OTHER NAME            a variable with all that another one has, and what differs
//! schema WORD                the schema that the products below have
//! change NAME...             other attributes of variables (or `globals`), from here on
//! globals                    the global attributes, in file order
//! product NAME               a granule; what its lines do not say is as in the schema before
//! ```
//!
//! Attributes are written `NAME VALUE`: text in quotes (`\n`, `\"`, `\\` as in C), `string "..."` for `NC_STRING`,
//! numbers of the type that goes before them (`int64 0 3 5`); without one, `_FillValue`, `valid_min`, `valid_max`,
//! `flag_masks` and `flag_values` have the type of the variable and others are double. `? TYPE` stands for a value
//! that every granule has its own of. Shorthands: `range MIN MAX` (`valid_min`, `valid_max`); `bits FAMILY
//! [without POSITION...]` (`flag_meanings`, `flag_masks` and the range that follows from them); `no NAME...`
//! (attributes of the kind that the variable lacks); `last NAME...` (written after all others, in this order).
//!
//! Lines of a product: `variables NAME...`, `only NAME...` (in place of those that it had), `dimension NAME SIZE`,
//! `chunks LENGTH...` (of variables with that many dimensions, where not netCDF's default), `group NAME TEXT` (a
//! swath group and its description), and values of globals. A variable that differs in one product is stated as
//! `WORD/NAME` and named so by the product; the granule has it as `NAME`.

use std::collections::HashMap;

use super::GranuleStructure;
use crate::{AttrValue, Attributes, DType, Schema};

mod build;
mod value;

use value::{Literal, parse_literal};

/// What is wrong with a table, and where.
pub(super) type TableError = String;

/// A variable, or what a kind of variables shares.
#[derive(Clone, Debug)]
struct Draft {
    dtype: DType,
    dimensions: Vec<String>,
    attributes: Attributes,
    last: Vec<String>,
}

/// A product as it was last stated.
#[derive(Clone, Debug, Default)]
struct ProductDraft {
    variables: Vec<String>,
    globals: Vec<(String, AttrValue)>,
    groups: Vec<(String, String)>,
    dimensions: Vec<(String, usize)>,
    chunks: Option<Vec<usize>>,
}

/// All that has been read so far.
#[derive(Default)]
struct Table {
    order: Vec<String>,
    deflate: Option<u8>,
    dimensions: Vec<(String, usize)>,
    bits: HashMap<String, Vec<(u32, String)>>,
    kinds: HashMap<String, Draft>,
    variables: HashMap<String, Draft>,
    globals: Attributes,
    varying: Vec<String>,
    schema: Option<Schema>,
    products: HashMap<String, ProductDraft>,
    done: Vec<GranuleStructure>,
}

/// What the indented lines belong to.
enum Open {
    Nothing,
    Bits(String),
    Kind(String),
    Variables(Vec<String>),
    Globals,
    Product(String),
}

/// Reads a table.
pub(super) fn parse(text: &str) -> Result<Vec<GranuleStructure>, TableError> {
    let mut table = Table::default();
    let mut open = Open::Nothing;
    for (index, line) in text.lines().enumerate() {
        let body = line.trim();
        if body.is_empty() || body.starts_with('#') {
            continue;
        }
        let (word, rest) = body.split_once(' ').unwrap_or((body, ""));
        let outcome = if line.starts_with(' ') {
            table.detail(&open, word, rest.trim())
        } else {
            table
                .close(&open)
                .and_then(|()| table.statement(word, rest.trim()))
                .map(|next| open = next)
        };
        outcome.map_err(|error| format!("line {}: {error}", index + 1))?;
    }
    table.close(&open)?;
    Ok(table.done)
}

impl Table {
    fn statement(&mut self, word: &str, rest: &str) -> Result<Open, TableError> {
        match word {
            "order" => self.order.extend(rest.split_whitespace().map(str::to_owned)),
            "deflate" => self.deflate = Some(number(rest)?),
            "dimension" => {
                let (name, size) = rest.split_once(' ').ok_or("dimension without size")?;
                self.dimensions.push((name.to_owned(), number(size)?));
            }
            "schema" => self.schema = Some(Schema::parse(rest).ok_or_else(|| format!("no schema {rest:?}"))?),
            "bits" => {
                self.bits.insert(rest.to_owned(), Vec::new());
                return Ok(Open::Bits(rest.to_owned()));
            }
            "kind" => {
                let (name, shape) = rest.split_once(" = ").ok_or("kind without `=`")?;
                let mut words = shape.split_whitespace();
                let dtype = words
                    .next()
                    .and_then(DType::from_name)
                    .ok_or_else(|| format!("no type in {shape:?}"))?;
                let dimensions = words.map(str::to_owned).collect();
                let attributes = Attributes::new();
                let draft = Draft {
                    dtype,
                    dimensions,
                    attributes,
                    last: Vec::new(),
                };
                self.kinds.insert(name.to_owned(), draft);
                return Ok(Open::Kind(name.to_owned()));
            }
            "like" => {
                let (other, name) = rest.split_once(' ').ok_or("like without two names")?;
                let draft = self
                    .variables
                    .get(other)
                    .cloned()
                    .ok_or_else(|| format!("no variable {other:?}"))?;
                self.variables.insert(name.to_owned(), draft);
                return Ok(Open::Variables(vec![name.to_owned()]));
            }
            "change" if rest == "globals" => return Ok(Open::Globals),
            "change" => {
                return Ok(Open::Variables(
                    rest.split_whitespace().map(str::to_owned).collect(),
                ));
            }
            "globals" => return Ok(Open::Globals),
            "product" => return Ok(self.open_product(rest)),
            _ => {
                let draft = self
                    .kinds
                    .get(word)
                    .cloned()
                    .ok_or_else(|| format!("no statement or kind {word:?}"))?;
                self.variables.insert(rest.to_owned(), draft);
                return Ok(Open::Variables(vec![rest.to_owned()]));
            }
        }
        Ok(Open::Nothing)
    }

    /// A product stated again keeps its variables and groups; its own lines replace them.
    fn open_product(&mut self, name: &str) -> Open {
        self.products.entry(name.to_owned()).or_default();
        Open::Product(name.to_owned())
    }

    fn detail(&mut self, open: &Open, word: &str, rest: &str) -> Result<(), TableError> {
        match open {
            Open::Nothing => Err("an indented line without a statement".to_owned()),
            Open::Bits(family) => {
                let meanings = self.bits.entry(family.clone()).or_default();
                meanings.push((number(word)?, rest.to_owned()));
                Ok(())
            }
            Open::Kind(name) => {
                let draft = self.kinds.get_mut(name).ok_or("no such kind")?;
                describe(draft, &self.bits, word, rest)
            }
            Open::Variables(names) => names.iter().try_for_each(|name| {
                let draft = self
                    .variables
                    .get_mut(name)
                    .ok_or_else(|| format!("no variable {name:?}"))?;
                describe(draft, &self.bits, word, rest)
            }),
            Open::Globals => self.global(word, rest),
            Open::Product(name) => self.product_detail(name, word, rest),
        }
    }

    fn global(&mut self, name: &str, rest: &str) -> Result<(), TableError> {
        if name == "no" {
            rest.split_whitespace().for_each(|name| {
                self.globals.remove(name);
                self.varying.retain(|varying| varying != name);
            });
            return Ok(());
        }
        let Literal { value, varies } = parse_literal(rest, DType::Float64)?;
        self.varying.retain(|varying| varying != name);
        if varies {
            self.varying.push(name.to_owned());
        }
        self.globals.set(name, value);
        Ok(())
    }

    fn product_detail(&mut self, product: &str, word: &str, rest: &str) -> Result<(), TableError> {
        let draft = self.products.entry(product.to_owned()).or_default();
        match word {
            "variables" => draft.variables.extend(rest.split_whitespace().map(str::to_owned)),
            // The list of an earlier schema is not continued but replaced.
            "only" => draft.variables = rest.split_whitespace().map(str::to_owned).collect(),
            "chunks" => draft.chunks = Some(rest.split_whitespace().map(number).collect::<Result<_, _>>()?),
            "dimension" => {
                let (name, size) = rest.split_once(' ').ok_or("dimension without size")?;
                draft.dimensions.retain(|(known, _)| known != name);
                draft.dimensions.push((name.to_owned(), number(size)?));
            }
            "group" => {
                let (name, text) = rest.split_once(' ').ok_or("group without description")?;
                let value = parse_literal(text, DType::Char)?.value;
                let text = value.as_text().ok_or("a description is text")?;
                draft.groups.push((name.to_owned(), text.to_owned()));
            }
            _ => {
                let value = parse_literal(rest, DType::Float64)?.value;
                draft.globals.retain(|(name, _)| name != word);
                draft.globals.push((word.to_owned(), value));
            }
        }
        Ok(())
    }
}

/// One indented line of a kind or variable.
fn describe(
    draft: &mut Draft,
    bits: &HashMap<String, Vec<(u32, String)>>,
    word: &str,
    rest: &str,
) -> Result<(), TableError> {
    match word {
        "no" => rest.split_whitespace().for_each(|name| {
            draft.attributes.remove(name);
        }),
        "last" => draft.last = rest.split_whitespace().map(str::to_owned).collect(),
        "range" => {
            let (min, max) = rest.split_once(' ').ok_or("range without maximum")?;
            draft
                .attributes
                .set("valid_min", parse_literal(min, draft.dtype)?.value);
            draft
                .attributes
                .set("valid_max", parse_literal(max, draft.dtype)?.value);
        }
        "bits" => set_bits(draft, bits, rest)?,
        _ => {
            let typed = [
                "_FillValue",
                "valid_min",
                "valid_max",
                "flag_masks",
                "flag_values",
            ]
            .contains(&word);
            let dtype = if typed { draft.dtype } else { DType::Float64 };
            draft.attributes.set(word, parse_literal(rest, dtype)?.value);
        }
    }
    Ok(())
}

/// `bits FAMILY [without POSITION...]`
fn set_bits(
    draft: &mut Draft,
    bits: &HashMap<String, Vec<(u32, String)>>,
    rest: &str,
) -> Result<(), TableError> {
    let (family, without) = rest.split_once(" without ").unwrap_or((rest, ""));
    let without: Vec<u32> = without.split_whitespace().map(number).collect::<Result<_, _>>()?;
    let all = bits.get(family).ok_or_else(|| format!("no bits {family:?}"))?;
    if let Some(position) = without
        .iter()
        .find(|position| all.iter().all(|(known, _)| known != *position))
    {
        return Err(format!("bits {family} have no position {position}"));
    }
    let used: Vec<_> = all
        .iter()
        .filter(|(position, _)| !without.contains(position))
        .collect();
    let mask = |position: u32| {
        1_u32
            .checked_shl(position)
            .ok_or_else(|| format!("no bit {position}"))
    };
    let masks: Vec<u32> = used
        .iter()
        .map(|(position, _)| mask(*position))
        .collect::<Result<_, _>>()?;
    let meanings: Vec<&str> = used.iter().map(|(_, meaning)| meaning.as_str()).collect();
    draft.attributes.set("flag_meanings", meanings.join(" "));
    draft.attributes.set("valid_min", AttrValue::number(0_u32));
    draft.attributes.set(
        "valid_max",
        AttrValue::number(masks.iter().fold(0, |all, mask| all | mask)),
    );
    draft.attributes.set("flag_masks", AttrValue::Array(masks.into()));
    Ok(())
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, TableError> {
    text.trim().parse().map_err(|_| format!("not a number: {text:?}"))
}
