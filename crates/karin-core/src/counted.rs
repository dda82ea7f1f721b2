//! Numbers of things in messages.

/// `1 granule`, `6 granules`: a number and what it counts.
pub fn counted(number: usize, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{ending}")
}

#[cfg(test)]
mod tests {
    use super::counted;

    #[test]
    fn one_is_singular() {
        let told = [0, 1, 6].map(|number| counted(number, "granule"));
        assert_eq!(told, ["0 granules", "1 granule", "6 granules"]);
    }
}
