//! Tokens to a tree: Python's precedence, bounded depth and size.

use karin_science::filter::Filter;

use super::ExpressionError;
use super::functions::Function;
use super::lexer::{Spanned, Token, tokens};
use super::tree::{Binary, Node, Unary};

/// Deepest nesting of brackets, signs and calls.
const MAX_DEPTH: usize = 100;
/// Most nodes of one expression.
const MAX_NODES: usize = 1024;

/// Left-associative binary operators from loose to tight, below the comparisons.
const LEVELS: [&[(&str, Binary)]; 5] = [
    &[("|", Binary::BitOr)],
    &[("^", Binary::BitXor)],
    &[("&", Binary::BitAnd)],
    &[("+", Binary::Add), ("-", Binary::Subtract)],
    &[
        ("*", Binary::Multiply),
        ("/", Binary::Divide),
        ("//", Binary::FloorDivide),
        ("%", Binary::Modulo),
    ],
];

const COMPARISONS: [(&str, Binary); 6] = [
    ("<", Binary::Less),
    ("<=", Binary::LessEqual),
    (">", Binary::Greater),
    (">=", Binary::GreaterEqual),
    ("==", Binary::Equal),
    ("!=", Binary::NotEqual),
];

/// Parses a whole text.
pub(super) fn parse(text: &str) -> Result<Node, ExpressionError> {
    let mut parser = Parser {
        text,
        tokens: tokens(text)?,
        next: 0,
        depth: 0,
        nodes: 0,
    };
    let node = parser.any_of()?;
    match parser.peek() {
        Token::End => Ok(node),
        other => {
            let message = format!("{} does not belong here", describe(other));
            Err(parser.error(message))
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Spanned>,
    next: usize,
    depth: usize,
    nodes: usize,
}

fn describe(token: &Token) -> String {
    match token {
        Token::Number(value) => format!("the number {value}"),
        Token::Name(name) => format!("`{name}`"),
        Token::Symbol(symbol) => format!("`{symbol}`"),
        Token::End => "the end".to_owned(),
    }
}

impl Parser<'_> {
    fn peek(&self) -> &Token {
        self.tokens
            .get(self.next)
            .map_or(&Token::End, |spanned| &spanned.token)
    }

    fn position(&self) -> usize {
        self.tokens
            .get(self.next)
            .map_or(self.text.len(), |spanned| spanned.position)
    }

    fn error(&self, message: impl Into<String>) -> ExpressionError {
        ExpressionError::new(self.text, self.position(), message)
    }

    fn take(&mut self, symbol: &str) -> bool {
        let found = matches!(self.peek(), Token::Symbol(next) if *next == symbol);
        self.next += usize::from(found);
        found
    }

    fn expect(&mut self, symbol: &str) -> Result<(), ExpressionError> {
        if self.take(symbol) {
            return Ok(());
        }
        Err(self.error(format!("expected `{symbol}`, found {}", describe(self.peek()))))
    }

    fn take_operator(&mut self, table: &[(&str, Binary)]) -> Option<Binary> {
        let Token::Symbol(symbol) = self.peek() else {
            return None;
        };
        let found = table
            .iter()
            .find(|(text, _)| text == symbol)
            .map(|(_, binary)| *binary);
        self.next += usize::from(found.is_some());
        found
    }

    fn node(&mut self, node: Node) -> Result<Node, ExpressionError> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(self.error(format!("the expression has more than {MAX_NODES} parts")));
        }
        Ok(node)
    }

    fn deeper<T>(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<T, ExpressionError>,
    ) -> Result<T, ExpressionError> {
        if self.depth >= MAX_DEPTH {
            return Err(self.error(format!("nested deeper than {MAX_DEPTH}")));
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    fn any_of(&mut self) -> Result<Node, ExpressionError> {
        let mut left = self.all_of()?;
        while self.take("or") || self.take_alias("||", "or")? {
            let right = self.all_of()?;
            left = self.node(Node::Binary(Binary::Or, Box::new(left), Box::new(right)))?;
        }
        Ok(left)
    }

    fn all_of(&mut self) -> Result<Node, ExpressionError> {
        let mut left = self.negation()?;
        while self.take("and") || self.take_alias("&&", "and")? {
            let right = self.negation()?;
            left = self.node(Node::Binary(Binary::And, Box::new(left), Box::new(right)))?;
        }
        Ok(left)
    }

    /// Says what to write instead of an operator of other languages.
    fn take_alias(&self, symbol: &str, word: &str) -> Result<bool, ExpressionError> {
        match self.peek() {
            Token::Symbol(next) if *next == symbol => {
                Err(self.error(format!("`{symbol}` is written `{word}` here")))
            }
            _ => Ok(false),
        }
    }

    fn negation(&mut self) -> Result<Node, ExpressionError> {
        if self.take("not") {
            let inner = self.deeper(Self::negation)?;
            return self.node(Node::Unary(Unary::Not, Box::new(inner)));
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Result<Node, ExpressionError> {
        let first = self.level(0)?;
        let negated = matches!(self.peek(), Token::Symbol("not"));
        self.next += usize::from(negated);
        if self.take("in") {
            let members = self.members()?;
            let node = self.node(Node::In(Box::new(first), members))?;
            return if negated {
                self.node(Node::Unary(Unary::Not, Box::new(node)))
            } else {
                Ok(node)
            };
        }
        if negated {
            return Err(self.error("expected `in` after `not`"));
        }
        let mut steps = Vec::new();
        while let Some(binary) = self.take_operator(&COMPARISONS) {
            steps.push((binary, self.level(0)?));
        }
        if matches!(self.peek(), Token::Symbol("in")) {
            return Err(self.error("`in` cannot follow a comparison: use brackets"));
        }
        match (steps.len(), steps.pop()) {
            (0, _) | (_, None) => Ok(first),
            (1, Some((binary, second))) => self.node(Node::Binary(binary, Box::new(first), Box::new(second))),
            (_, Some(last)) => {
                steps.push(last);
                self.node(Node::Chain(Box::new(first), steps))
            }
        }
    }

    /// `(a, b, c)` or `[a, b, c]`.
    fn members(&mut self) -> Result<Vec<Node>, ExpressionError> {
        let close = if self.take("[") {
            "]"
        } else {
            self.expect("(")?;
            ")"
        };
        self.list(close)
    }

    fn list(&mut self, close: &str) -> Result<Vec<Node>, ExpressionError> {
        let mut nodes = Vec::new();
        while !self.take(close) {
            nodes.push(self.deeper(Self::any_of)?);
            if !matches!(self.peek(), Token::Symbol(symbol) if *symbol == close) {
                self.expect(",")?;
            }
        }
        Ok(nodes)
    }

    fn level(&mut self, level: usize) -> Result<Node, ExpressionError> {
        let Some(table) = LEVELS.get(level) else {
            return self.signed();
        };
        let mut left = self.level(level + 1)?;
        while let Some(binary) = self.take_operator(table) {
            let right = self.level(level + 1)?;
            left = self.node(Node::Binary(binary, Box::new(left), Box::new(right)))?;
        }
        Ok(left)
    }

    fn signed(&mut self) -> Result<Node, ExpressionError> {
        if self.take("-") {
            let inner = self.deeper(Self::signed)?;
            return self.node(Node::Unary(Unary::Negate, Box::new(inner)));
        }
        if self.take("+") {
            return self.deeper(Self::signed);
        }
        let base = self.atom()?;
        if self.take("**") {
            // Binds tighter than a sign on its left, looser than one on its right, as in Python.
            let exponent = self.deeper(Self::signed)?;
            return self.node(Node::Binary(Binary::Power, Box::new(base), Box::new(exponent)));
        }
        Ok(base)
    }

    fn atom(&mut self) -> Result<Node, ExpressionError> {
        let position = self.position();
        match self.peek().clone() {
            Token::Number(value) => {
                self.next += 1;
                self.node(Node::Number(value))
            }
            Token::Name(name) => {
                self.next += 1;
                if self.take("(") {
                    self.call(&name, position)
                } else {
                    self.name(name, position)
                }
            }
            Token::Symbol("(") => {
                self.next += 1;
                let inner = self.deeper(Self::any_of)?;
                self.expect(")")?;
                Ok(inner)
            }
            other => Err(self.error(format!("expected a value, found {}", describe(&other)))),
        }
    }

    fn name(&mut self, name: String, position: usize) -> Result<Node, ExpressionError> {
        let constant = match name.as_str() {
            "pi" => Some(std::f64::consts::PI),
            "nan" | "NaN" => Some(f64::NAN),
            "inf" => Some(f64::INFINITY),
            "true" | "True" => Some(1.0),
            "false" | "False" => Some(0.0),
            _ => None,
        };
        self.node(constant.map_or(Node::Name { name, position }, Node::Number))
    }

    fn call(&mut self, name: &str, position: usize) -> Result<Node, ExpressionError> {
        if Filter::names().any(|known| known == name) {
            return self.filter(name, position);
        }
        let Some((function, least, most)) = Function::of_name(name) else {
            let known = Function::names().chain(Filter::names());
            let suggestion = karin_core::suggest::nearest(name, known).map(str::to_owned);
            return Err(
                ExpressionError::new(self.text, position, format!("no function `{name}`"))
                    .suggesting(suggestion),
            );
        };
        let arguments = self.list(")")?;
        if !(least..=most).contains(&arguments.len()) {
            let wanted = match (least, most) {
                (1, 1) => "1 argument".to_owned(),
                (least, most) if least == most => format!("{least} arguments"),
                (least, _) => format!("{least} or more arguments"),
            };
            let message = format!("`{name}` takes {wanted}, not {}", arguments.len());
            return Err(ExpressionError::new(self.text, position, message));
        }
        self.node(Node::Call(function, arguments))
    }

    /// What follows the bracket of a filter: the field, then numbers and words.
    fn filter(&mut self, name: &str, position: usize) -> Result<Node, ExpressionError> {
        let field = self.deeper(Self::any_of)?;
        let (mut numbers, mut words) = (Vec::new(), Vec::new());
        while !self.take(")") {
            self.expect(",")?;
            let is_negative = self.take("-");
            match self.peek().clone() {
                Token::Number(number) => numbers.push(if is_negative { -number } else { number }),
                Token::Name(word) if !is_negative => words.push(word),
                other => {
                    let found = describe(&other);
                    return Err(self.error(format!("expected a number or a word of `{name}`, found {found}")));
                }
            }
            self.next += 1;
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let filter = Filter::new(name, &numbers, &words)
            .map_err(|error| ExpressionError::new(self.text, position, error.to_string()))?;
        self.node(Node::Filter(filter, Box::new(field)))
    }
}
