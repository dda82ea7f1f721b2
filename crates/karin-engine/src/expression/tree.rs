//! The shape of a parsed expression.

use super::functions::Function;

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
    /// `first < second <= third`: each operand once, true where every step holds.
    Chain(Box<Node>, Vec<(Binary, Node)>),
    /// `value in (a, b, c)`: true where it equals one of them.
    In(Box<Node>, Vec<Node>),
}

fn truth(value: bool) -> f64 {
    f64::from(u8::from(value))
}

/// True for numbers that are neither zero nor NaN.
pub(super) fn is_true(value: f64) -> bool {
    value != 0.0 && !value.is_nan()
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
            Self::Number(_) | Self::Name { .. } | Self::Unary(Unary::Negate, _) => false,
        }
    }

    /// Calls `visit` with every name and its position, left to right.
    pub(super) fn visit_names<'a>(&'a self, visit: &mut impl FnMut(&'a str, usize)) {
        match self {
            Self::Number(_) => {}
            Self::Name { name, position } => visit(name, *position),
            Self::Unary(_, inner) => inner.visit_names(visit),
            Self::Binary(_, left, right) => {
                left.visit_names(visit);
                right.visit_names(visit);
            }
            Self::Call(_, nodes) => nodes.iter().for_each(|node| node.visit_names(visit)),
            Self::Chain(first, rest) => {
                first.visit_names(visit);
                rest.iter().for_each(|(_, node)| node.visit_names(visit));
            }
            Self::In(value, nodes) => {
                value.visit_names(visit);
                nodes.iter().for_each(|node| node.visit_names(visit));
            }
        }
    }
}
