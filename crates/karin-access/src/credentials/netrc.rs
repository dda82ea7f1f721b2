//! `.netrc`: words in any layout. `machine HOST login USER password WORD`; `macdef` runs to an empty line; `default` is
//! read over, because a password is for a host that somebody named.

use std::path::Path;

use super::{Account, read_private};
use crate::Secret;

/// The account of a host in a file; `None` if the file or the host is not there.
///
/// # Errors
/// If others may read the file, it cannot be read, or it is not in the form of a `.netrc`; never with a word of it
/// other than the first ones of lines.
pub(super) fn read(path: &Path, host: &str) -> Result<Option<Account>, String> {
    match read_private(path)? {
        Some(text) => parse(&text, host),
        None => Ok(None),
    }
}

fn parse(text: &str, host: &str) -> Result<Option<Account>, String> {
    let mut words = words(text)?.into_iter();
    let (mut here, mut user, mut password) = (false, None, None);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("nothing follows '{word}'"));
        match word.as_str() {
            "machine" => {
                if here && password.is_some() {
                    break;
                }
                (user, password) = (None, None);
                here = value()?.eq_ignore_ascii_case(host);
            }
            "default" => {
                if here && password.is_some() {
                    break;
                }
                here = false;
            }
            "login" | "user" => user = here.then_some(value()?).or(user),
            "password" => password = here.then_some(value()?).or(password),
            "account" => drop(value()?),
            // It may be a secret that lost its keyword: it is not repeated.
            _ => return Err("not in the form of a .netrc: a word stands where a keyword should".to_owned()),
        }
    }
    Ok(match (user, password) {
        (Some(user), Some(password)) if here => {
            let password = Secret::new(password);
            Some(Account::Password { user, password })
        }
        _ => None,
    })
}

/// The words, without comments and macros; `"…"` may hold spaces, and `\` takes the next character as it is.
fn words(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let mut letters = line.chars().peekable();
        loop {
            while letters.next_if(|letter| letter.is_whitespace()).is_some() {}
            let Some(first) = letters.peek().copied() else {
                break;
            };
            let is_value = matches!(
                words.last().map(String::as_str),
                Some("password" | "login" | "account")
            );
            if first == '#' && !is_value {
                break;
            }
            let mut word = String::new();
            let quoted = letters.next_if_eq(&'"').is_some();
            loop {
                match letters.next() {
                    Some('"') if quoted => break,
                    Some('\\') => word.extend(letters.next()),
                    Some(letter) if quoted || !letter.is_whitespace() => word.push(letter),
                    None if quoted => return Err("a quotation mark is not closed".to_owned()),
                    _ => break,
                }
            }
            if word == "macdef" && !is_value {
                let _ = lines.by_ref().find(|line| line.trim().is_empty());
                break;
            }
            words.push(word);
        }
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(text: &str, host: &str) -> Option<(String, String)> {
        match parse(text, host).unwrap() {
            Some(Account::Password { user, password }) => Some((user, password.reveal().to_owned())),
            _ => None,
        }
    }

    #[test]
    fn every_layout_is_read() {
        let pair = |user: &str, password: &str| Some((user.to_owned(), password.to_owned()));
        for text in [
            "machine a.b login me password secret",
            "machine other login x password y\nmachine a.b\n\tlogin me\n\tpassword secret\n",
            "# comment\nmacdef init\ncd /\nmachine a.b login no password no\n\nmachine a.b password secret login me # end",
            "machine A.B login \"me\" account x password \"secret\" default login d password e",
            "machine a.b login me password secret machine a.b login second password other",
        ] {
            assert_eq!(of(text, "a.b"), pair("me", "secret"), "{text}");
        }
        assert_eq!(of("machine h login a password #1", "h"), pair("a", "#1"));
        assert_eq!(
            of(r#"machine h login a password "b \"c\" d""#, "h"),
            pair("a", "b \"c\" d")
        );
        assert_eq!(of("default login a password b", "h"), None);
        assert_eq!(of("machine h login a", "h"), None);
    }

    #[test]
    fn what_is_wrong_is_said_without_the_secret() {
        for text in [
            "machine h login a canary",
            "machine h password \"canary",
            "machine",
        ] {
            let reason = parse(text, "h").unwrap_err();
            assert!(!reason.contains("canary"), "{reason}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in "(machine|login|password|macdef|default|[a\"\\\\ \n#]){0,30}") {
            let _ = parse(&text, "a");
        }
    }
}
