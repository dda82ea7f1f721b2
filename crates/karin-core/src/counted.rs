//! Numbers of things in messages.

/// `1 granule`, `6 granules`: a number and what it counts.
pub fn counted<N: std::fmt::Display + PartialEq + From<u8>>(number: N, noun: &str) -> String {
    let ending = if number == N::from(1) { "" } else { "s" };
    format!("{number} {noun}{ending}")
}

#[cfg(test)]
mod tests {
    use super::counted;

    #[test]
    fn one_is_singular() {
        let told = [0_u64, 1, 6].map(|number| counted(number, "granule"));
        assert_eq!(told, ["0 granules", "1 granule", "6 granules"]);
    }
}
