//! Filters in expressions: what stands in their brackets is computed around a pixel, not at it.

use std::fmt::Write as _;

use karin_science::filter::Filter;

use super::tree::{Node, Unary};
use super::{Expression, ExpressionError, Let};

/// Most nodes of what a filter is applied to, lets written out.
const MAX_NODES: usize = 4096;

/// A filter of an expression that uses no let: an input of programs, beside stored variables.
#[derive(Clone, Debug, PartialEq)]
pub struct Filtered {
    /// Which filter.
    pub filter: Filter,
    /// What it is applied to, lets written out.
    pub argument: Expression,
}

impl Filtered {
    pub(super) fn new(filter: &Filter, argument: Node) -> Self {
        let argument = Expression {
            text: text(&argument),
            node: argument,
        };
        Self {
            filter: filter.clone(),
            argument,
        }
    }

    /// The text that tells it from others.
    pub fn name(&self) -> String {
        self.filter.of(&self.argument.text)
    }
}

/// Writes lets out, as the expression of the let with index `visible` (or one behind all of them) sees them.
pub(super) struct Expander<'a> {
    pub(super) lets: &'a [Let],
    pub(super) nodes: usize,
}

impl Expander<'_> {
    pub(super) fn expand(
        &mut self,
        node: &Node,
        visible: usize,
        text: &str,
    ) -> Result<Node, ExpressionError> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            let message =
                format!("with its lets written out, a filter is applied to more than {MAX_NODES} parts");
            return Err(ExpressionError::new(text, 0, message));
        }
        let mut inner = |node: &Node| self.expand(node, visible, text);
        Ok(match node {
            Node::Number(value) => Node::Number(*value),
            Node::Name { name, position } => {
                return match Let::find(self.lets, name, visible, text, *position)? {
                    Some((index, definition)) => {
                        let expression = &definition.expression;
                        self.expand(&expression.node, index, &expression.text)
                    }
                    None => Ok(node.clone()),
                };
            }
            Node::Unary(unary, a) => Node::Unary(*unary, Box::new(inner(a)?)),
            Node::Binary(binary, a, b) => Node::Binary(*binary, Box::new(inner(a)?), Box::new(inner(b)?)),
            Node::Call(function, nodes) => {
                Node::Call(*function, nodes.iter().map(inner).collect::<Result<_, _>>()?)
            }
            Node::Filter(filter, a) => Node::Filter(filter.clone(), Box::new(inner(a)?)),
            Node::Chain(first, rest) => {
                let first = Box::new(inner(first)?);
                let rest = rest.iter().map(|(binary, node)| Ok((*binary, inner(node)?)));
                Node::Chain(first, rest.collect::<Result<_, ExpressionError>>()?)
            }
            Node::In(value, nodes) => {
                let value = Box::new(inner(value)?);
                Node::In(value, nodes.iter().map(inner).collect::<Result<_, _>>()?)
            }
        })
    }
}

/// A text of a node, of which no two nodes with other values have the same.
fn text(node: &Node) -> String {
    let mut out = String::new();
    write_node(node, &mut out);
    out
}

fn write_node(node: &Node, out: &mut String) {
    match node {
        // Writing to a string cannot fail.
        Node::Number(value) => {
            let _ = write!(out, "{value}");
        }
        Node::Name { name, .. } => out.push_str(name),
        Node::Unary(unary, a) => {
            out.push_str(if *unary == Unary::Negate { "-" } else { "not " });
            write_node(a, out);
        }
        Node::Binary(binary, a, b) => {
            out.push('(');
            write_node(a, out);
            let _ = write!(out, " {} ", binary.symbol());
            write_node(b, out);
            out.push(')');
        }
        Node::Call(function, nodes) => {
            out.push_str(function.name());
            write_list(nodes, out);
        }
        Node::Filter(filter, a) => out.push_str(&filter.of(&text(a))),
        Node::Chain(first, rest) => {
            out.push('(');
            write_node(first, out);
            for (binary, node) in rest {
                let _ = write!(out, " {} ", binary.symbol());
                write_node(node, out);
            }
            out.push(')');
        }
        Node::In(value, nodes) => {
            out.push('(');
            write_node(value, out);
            out.push_str(" in ");
            write_list(nodes, out);
            out.push(')');
        }
    }
}

fn write_list(nodes: &[Node], out: &mut String) {
    out.push('(');
    for (index, node) in nodes.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        write_node(node, out);
    }
    out.push(')');
}
