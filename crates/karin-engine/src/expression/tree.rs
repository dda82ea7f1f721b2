//! The shape of a parsed expression.

use karin_science::filter::Filter;

use super::functions::{Function, is_true};

/// What an operator with two sides does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Binary {
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Modulo,
    Power,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Equal,
    NotEqual,
    And,
    Or,
    BitAnd,
    BitOr,
    BitXor,
}

/// What an operator with one side does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unary {
    Negate,
    Not,
}

/// A node; children are boxed, so that depth is bounded by the parser and dropping is safe.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Number(f64),
    Name {
        name: String,
        position: usize,
    },
    Unary(Unary, Box<Node>),
    Binary(Binary, Box<Node>, Box<Node>),
    Call(Function, Vec<Node>),
    /// A filter of the swath, of the values of a node.
    Filter(Filter, Box<Node>),
    /// `first < second <= third`: each operand once, true where every step holds.
    Chain(Box<Node>, Vec<(Binary, Node)>),
    /// `value in (a, b, c)`: true where it equals one of them.
    In(Box<Node>, Vec<Node>),
}

fn truth(value: bool) -> f64 {
    f64::from(u8::from(value))
}

/// An integer for bit tests; `None` for NaN, fractions and what `f64` cannot hold exactly.
#[inline]
fn bits(value: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    (value.abs() <= EXACT && value.trunc() == value).then_some(value as i64)
}

#[inline]
fn bitwise(a: f64, b: f64, combine: impl Fn(i64, i64) -> i64) -> f64 {
    match (bits(a), bits(b)) {
        (Some(a), Some(b)) => combine(a, b) as f64,
        _ => f64::NAN,
    }
}

impl Binary {
    /// The value for one element. Comparisons with NaN are false (also `!=`); bit operations on fill, fractions or
    /// numbers beyond 2^53 give NaN.
    #[inline(always)]
    pub(super) fn apply(self, a: f64, b: f64) -> f64 {
        match self {
            Self::Add => a + b,
            Self::Subtract => a - b,
            Self::Multiply => a * b,
            Self::Divide => a / b,
            Self::FloorDivide => (a / b).floor(),
            Self::Modulo => modulo(a, b),
            Self::Power => a.powf(b),
            Self::Less => truth(a < b),
            Self::LessEqual => truth(a <= b),
            Self::Greater => truth(a > b),
            Self::GreaterEqual => truth(a >= b),
            Self::Equal => truth(a == b),
            Self::NotEqual => truth(a != b && !a.is_nan() && !b.is_nan()),
            Self::And => truth(is_true(a) && is_true(b)),
            Self::Or => truth(is_true(a) || is_true(b)),
            Self::BitAnd => bitwise(a, b, |a, b| a & b),
            Self::BitOr => bitwise(a, b, |a, b| a | b),
            Self::BitXor => bitwise(a, b, |a, b| a ^ b),
        }
    }

    /// Its text.
    pub(super) const fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::FloorDivide => "//",
            Self::Modulo => "%",
            Self::Power => "**",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::And => "and",
            Self::Or => "or",
            Self::BitAnd => "&",
            Self::BitOr => "|",
            Self::BitXor => "^",
        }
    }

    /// True if it answers yes or no.
    pub(super) const fn is_boolean(self) -> bool {
        matches!(
            self,
            Self::Less
                | Self::LessEqual
                | Self::Greater
                | Self::GreaterEqual
                | Self::Equal
                | Self::NotEqual
                | Self::And
                | Self::Or
        )
    }
}

/// The remainder with the sign of the divisor, as Python and numpy have it.
#[inline]
fn modulo(a: f64, b: f64) -> f64 {
    let remainder = a % b;
    if remainder != 0.0 && (remainder < 0.0) != (b < 0.0) {
        remainder + b
    } else {
        remainder
    }
}

impl Unary {
    #[inline(always)]
    pub(super) fn apply(self, a: f64) -> f64 {
        match self {
            Self::Negate => -a,
            Self::Not => truth(!is_true(a)),
        }
    }
}

impl Node {
    /// True if the node answers yes or no by its form.
    pub(super) fn is_boolean(&self) -> bool {
        match self {
            Self::Unary(Unary::Not, _) | Self::Chain(..) | Self::In(..) => true,
            Self::Binary(binary, ..) => binary.is_boolean(),
            Self::Call(function, _) => function.is_boolean(),
            Self::Number(_) | Self::Name { .. } | Self::Unary(Unary::Negate, _) | Self::Filter(..) => false,
        }
    }

    /// Calls `visit` with every name and its position, left to right.
    pub(super) fn visit_names<'a>(&'a self, visit: &mut impl FnMut(&'a str, usize)) {
        self.visit(&mut |node| {
            if let Self::Name { name, position } = node {
                visit(name, *position);
            }
        });
    }

    /// Calls `visit` with every node, left to right, each before those in it.
    pub(super) fn visit<'a>(&'a self, visit: &mut impl FnMut(&'a Self)) {
        visit(self);
        match self {
            Self::Number(_) | Self::Name { .. } => {}
            Self::Unary(_, inner) | Self::Filter(_, inner) => inner.visit(visit),
            Self::Binary(_, left, right) => {
                left.visit(visit);
                right.visit(visit);
            }
            Self::Call(_, nodes) => nodes.iter().for_each(|node| node.visit(visit)),
            Self::Chain(first, rest) => {
                first.visit(visit);
                rest.iter().for_each(|(_, node)| node.visit(visit));
            }
            Self::In(value, nodes) => {
                value.visit(visit);
                nodes.iter().for_each(|node| node.visit(visit));
            }
        }
    }
}
