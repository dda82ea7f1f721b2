//! Text to tokens.

use super::ExpressionError;

/// Longest expression, in bytes: far above what people write, far below what could hurt.
pub(super) const MAX_LENGTH: usize = 16 * 1024;

/// A word of the language.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Number(f64),
    Name(String),
    /// An operator, bracket, comma or keyword, by its own text.
    Symbol(&'static str),
    End,
}

/// A token and its byte position.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Spanned {
    pub(super) token: Token,
    pub(super) position: usize,
}

/// Longest first, so that `**` is not read as two `*`.
const SYMBOLS: [&str; 22] = [
    "**", "//", "<=", ">=", "==", "!=", "&&", "||", "+", "-", "*", "/", "%", "<", ">", "&", "|", "^", "(",
    ")", ",", "~",
];
const BRACKETS: [&str; 2] = ["[", "]"];
const KEYWORDS: [&str; 4] = ["and", "or", "not", "in"];

/// All tokens of `text`, closed by [`Token::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<Spanned>, ExpressionError> {
    if text.len() > MAX_LENGTH {
        let message = format!(
            "the expression has {} bytes, at most {MAX_LENGTH} are read",
            text.len()
        );
        return Err(ExpressionError::new("", 0, message));
    }
    let mut found = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        let position = text.len() - rest.len();
        let Some(first) = rest.chars().next() else {
            found.push(Spanned {
                token: Token::End,
                position,
            });
            return Ok(found);
        };
        let (token, length) = if first.is_ascii_digit() || (first == '.' && second_is_digit(rest)) {
            number(text, rest, position)?
        } else if first.is_alphabetic() || first == '_' {
            word(rest)
        } else {
            symbol(text, rest, position, first)?
        };
        found.push(Spanned { token, position });
        rest = rest.get(length..).unwrap_or("");
    }
}

fn second_is_digit(rest: &str) -> bool {
    rest.chars().nth(1).is_some_and(|c| c.is_ascii_digit())
}

/// A decimal number with optional fraction and exponent, or a hexadecimal or binary integer.
fn number(text: &str, rest: &str, position: usize) -> Result<(Token, usize), ExpressionError> {
    let bytes = rest.as_bytes();
    let wrong = |word: &str| ExpressionError::new(text, position, format!("`{word}` is not a number"));
    let radix = match (bytes.first(), bytes.get(1)) {
        (Some(b'0'), Some(b'x' | b'X')) => Some(16),
        (Some(b'0'), Some(b'b' | b'B')) => Some(2),
        _ => None,
    };
    let mut length = 0;
    let mut previous = 0u8;
    while let Some(&byte) = bytes.get(length) {
        let exponent_sign = radix.is_none() && matches!(byte, b'+' | b'-') && matches!(previous, b'e' | b'E');
        if !(byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'_' || exponent_sign) {
            break;
        }
        previous = byte;
        length += 1;
    }
    let word = rest.get(..length).unwrap_or("");
    let digits = word.replace('_', "");
    let value = match radix {
        Some(radix) => {
            let digits = digits.get(2..).unwrap_or("");
            u64::from_str_radix(digits, radix).map_err(|_| wrong(word))? as f64
        }
        None => digits.parse().map_err(|_| wrong(word))?,
    };
    Ok((Token::Number(value), length))
}

fn word(rest: &str) -> (Token, usize) {
    let length = rest
        .find(|c: char| !(c.is_alphanumeric() || c == '_'))
        .unwrap_or(rest.len());
    let word = rest.get(..length).unwrap_or("");
    let token = KEYWORDS
        .into_iter()
        .find(|keyword| *keyword == word)
        .map_or_else(|| Token::Name(word.to_owned()), Token::Symbol);
    (token, length)
}

fn symbol(text: &str, rest: &str, position: usize, first: char) -> Result<(Token, usize), ExpressionError> {
    let found = SYMBOLS
        .into_iter()
        .chain(BRACKETS)
        .find(|symbol| rest.starts_with(symbol));
    if let Some(symbol) = found {
        return Ok((Token::Symbol(symbol), symbol.len()));
    }
    let message = if first == '=' {
        "`=` assigns nothing here; to compare write `==`".to_owned()
    } else {
        format!("`{first}` has no meaning here")
    };
    Err(ExpressionError::new(text, position, message))
}
