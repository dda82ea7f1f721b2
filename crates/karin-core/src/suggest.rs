//! "Did you mean": the known name that is nearest to a mistyped one.

/// The nearest of `candidates` to `word`, if one is near enough to be meant.
///
/// Case does not count. Near enough is a third of the word's length in edits (Damerau-Levenshtein with adjacent
/// swaps), at least one; a name that starts with the word, or the word with it, is near enough too.
///
/// ```
/// use karin_core::suggest::nearest;
/// assert_eq!(nearest("shsa_karin", ["ssh_karin", "ssha_karin", "sig0_karin"]), Some("ssha_karin"));
/// assert_eq!(nearest("temperature", ["ssh_karin"]), None);
/// ```
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted: Vec<char> = word
        .chars()
        .take(MAX_LENGTH)
        .flat_map(char::to_lowercase)
        .collect();
    let limit = (wanted.len() / 3).max(1);
    candidates
        .into_iter()
        .filter_map(|candidate| {
            let known: Vec<char> = candidate
                .chars()
                .take(MAX_LENGTH)
                .flat_map(char::to_lowercase)
                .collect();
            let distance = edit_distance(&wanted, &known);
            let is_prefix = wanted.len() >= 3
                && known.len() >= 3
                && (known.starts_with(&wanted) || wanted.starts_with(&known));
            (distance <= limit || is_prefix).then_some((distance, candidate))
        })
        .min()
        .map(|(_, candidate)| candidate)
}

/// `; did you mean 'ssha_karin'?`, or nothing: to be put at the end of a message.
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, candidates)
        .map(|name| format!("; did you mean '{name}'?"))
        .unwrap_or_default()
}

/// Longer words are cut: names are shorter, and the cost grows with the square.
const MAX_LENGTH: usize = 64;

/// Insertions, deletions, replacements and swaps of neighbours that turn one into the other.
fn edit_distance(left: &[char], right: &[char]) -> usize {
    let width = right.len() + 1;
    let mut before = vec![0; width];
    let mut last: Vec<usize> = (0..width).collect();
    for (i, a) in left.iter().enumerate() {
        let mut row = vec![i + 1; width];
        for (j, b) in right.iter().enumerate() {
            let replaced = last[j] + usize::from(a != b);
            let mut best = replaced.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && left[i - 1] == *b && right[j - 1] == *a {
                best = best.min(before[j - 1] + 1);
            }
            row[j + 1] = best;
        }
        before = std::mem::replace(&mut last, row);
    }
    last[width - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distance(left: &str, right: &str) -> usize {
        edit_distance(
            &left.chars().collect::<Vec<_>>(),
            &right.chars().collect::<Vec<_>>(),
        )
    }

    #[test]
    fn counts_edits_and_swaps() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("ssha", "shsa"), 1);
        assert_eq!(distance("ca", "abc"), 3);
    }

    #[test]
    fn suggests_what_is_meant_and_nothing_else() {
        let names = ["Basic", "Expert", "WindWave", "Unsmoothed"];
        assert_eq!(nearest("expret", names), Some("Expert"));
        assert_eq!(nearest("unsmooth", names), Some("Unsmoothed"));
        assert_eq!(nearest("x", names), None);
        assert_eq!(did_you_mean("basc", names), "; did you mean 'Basic'?");
        assert_eq!(did_you_mean("sea_level", names), "");
    }
}
