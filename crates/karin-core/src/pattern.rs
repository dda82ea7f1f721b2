//! Patterns with `*` and `?`, as people write them for names.

/// Whether `text` matches a pattern in which `*` stands for any text and `?` for one character. Case counts.
///
/// Takes time proportional to the product of the lengths at most.
pub fn matches_pattern(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut read) = (0, 0);
    // Where the last star was, and up to where it has eaten: the only place to come back to.
    let mut star: Option<(usize, usize)> = None;
    while let Some(&letter) = text.get(read) {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, read));
                at += 1;
            }
            Some(&wanted) if wanted == '?' || wanted == letter => {
                at += 1;
                read += 1;
            }
            _ => match star {
                Some((place, eaten)) => {
                    star = Some((place, eaten + 1));
                    (at, read) = (place + 1, eaten + 1);
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(at).all(|letter| *letter == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_a_shell() {
        for (pattern, text, matches) in [
            ("bad*", "bad_not_usable", true),
            ("bad*", "not_bad", false),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("*a*b", "xxaybzb", true),
            ("*a*b", "xxaybz", false),
            ("ssh?_karin", "ssha_karin", true),
            ("ssh?", "ssh", false),
        ] {
            assert_eq!(matches_pattern(pattern, text), matches, "{pattern} {text}");
        }
    }
}
