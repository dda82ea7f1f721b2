//! The language of `--let` and `--where`: arithmetic, comparisons, bit tests and functions on variables, in which
//! fill is NaN and a comparison with NaN is false.
//!
//! ```
//! use karin_engine::expression::{Expression, Program};
//! let good = Expression::parse("(ssh_karin_2_qual & 4) == 0 and abs(ssha) < 2")?;
//! let program = Program::compile(&[], &[&good])?;
//! assert_eq!(program.inputs(), ["ssh_karin_2_qual", "ssha"]);
//! # Ok::<(), karin_engine::expression::ExpressionError>(())
//! ```
//!
//! Precedence is Python's: `or`, `and`, `not`, comparisons and `in`, `|`, `^`, `&`, `+ -`, `* / // %`, signs, `**`.
//! Text comes from users and from the network: length, depth and size are bounded, and nothing is ever executed but
//! the steps of [`Program`]. Filters of the swath, such as `gaussian(ssha, 20)`, look at the pixels around one: programs have
//! them as inputs ([`Filtered`]), and whoever loads inputs computes them.

mod error;
mod filtered;
mod functions;
mod lexer;
mod parser;
mod program;
#[cfg(test)]
mod tests;
mod tree;

pub use error::ExpressionError;
pub use filtered::Filtered;
pub use program::{BLOCK, Program, Scratch};
use tree::Node;

/// A parsed expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    text: String,
    node: Node,
}

/// A named expression: `adt = ssha + mdt`.
#[derive(Clone, Debug, PartialEq)]
pub struct Let {
    /// The name that it gives.
    pub name: String,
    /// What the name stands for.
    pub expression: Expression,
}

impl Expression {
    /// Parses a text.
    ///
    /// # Errors
    /// If it is no expression; the error shows where, and what may have been meant.
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        parser::parse(text).map(|node| Self {
            text: text.to_owned(),
            node,
        })
    }

    /// The expression that is just a variable or a let.
    pub fn of_name(name: &str) -> Self {
        Self {
            text: name.to_owned(),
            node: Node::Name {
                name: name.to_owned(),
                position: 0,
            },
        }
    }

    /// The text that was parsed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// True if it answers yes or no by its form.
    pub fn is_boolean(&self) -> bool {
        self.node.is_boolean()
    }

    /// The name whose units it has: it is that name, or a filter of it.
    pub fn in_units_of(&self) -> Option<&str> {
        let mut node = &self.node;
        loop {
            match node {
                Node::Name { name, .. } => return Some(name),
                Node::Filter(filter, inner) if filter.keeps_units() => node = inner,
                _ => return None,
            }
        }
    }

    /// Calls `visit` with every filter in it.
    pub fn visit_filters(&self, visit: &mut impl FnMut(&karin_science::filter::Filter)) {
        self.node.visit(&mut |node| {
            if let Node::Filter(filter, _) = node {
                visit(filter);
            }
        });
    }

    /// Every name that it uses, once, in order of appearance.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        self.node.visit_names(&mut |name, _| {
            if !names.contains(&name) {
                names.push(name);
            }
        });
        names
    }

    /// Checks that every name is one of `known`.
    ///
    /// # Errors
    /// Names the first that is not, where it stands, and the nearest known one.
    pub fn check_names(&self, known: &[&str]) -> Result<(), ExpressionError> {
        let mut fault = None;
        self.node.visit_names(&mut |name, position| {
            if fault.is_none() && !known.contains(&name) {
                fault = Some((name.to_owned(), position));
            }
        });
        let Some((name, position)) = fault else {
            return Ok(());
        };
        let suggestion = karin_core::suggest::nearest(&name, known.iter().copied()).map(str::to_owned);
        Err(
            ExpressionError::new(&self.text, position, format!("no variable `{name}`"))
                .suggesting(suggestion),
        )
    }
}

impl Let {
    /// Parses `name=expression`.
    ///
    /// # Errors
    /// If there is no `=`, the name is none, or the expression is faulty.
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        let Some((name, expression)) = text.split_once('=') else {
            return Err(ExpressionError::new(text, 0, "a let is written name=expression"));
        };
        let name = name.trim();
        Self::new(name, Expression::parse(expression)?)
    }

    /// Names an expression.
    ///
    /// # Errors
    /// If the name is no name, or one that the language has.
    pub fn new(name: &str, expression: Expression) -> Result<Self, ExpressionError> {
        let mut characters = name.chars();
        let starts = characters.next().is_some_and(|c| c.is_alphabetic() || c == '_');
        if !starts || !characters.all(|c| c.is_alphanumeric() || c == '_') {
            return Err(ExpressionError::new(name, 0, format!("`{name}` is not a name")));
        }
        if Expression::parse(name).map(|parsed| parsed.node) != Ok(Expression::of_name(name).node) {
            return Err(ExpressionError::new(
                name,
                0,
                format!("`{name}` is a word of the language"),
            ));
        }
        Ok(Self {
            name: name.to_owned(),
            expression,
        })
    }

    /// The let of a name and its index, as an expression sees it that may use the first `visible` lets; `None` if the name is
    /// a variable.
    fn find<'a>(
        lets: &'a [Self],
        name: &str,
        visible: usize,
        text: &str,
        position: usize,
    ) -> Result<Option<(usize, &'a Self)>, ExpressionError> {
        match lets
            .iter()
            .enumerate()
            .find(|(_, definition)| definition.name == name)
        {
            // `--let ssha=ssha+0.1` means the variable; a later let is a mistake.
            Some((index, _)) if index == visible => Ok(None),
            Some((index, _)) if index > visible => {
                let message = format!("`{name}` is defined later: a let may only use those before it");
                Err(ExpressionError::new(text, position, message))
            }
            found => Ok(found),
        }
    }
}
