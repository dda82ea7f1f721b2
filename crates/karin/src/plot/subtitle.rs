//! What stands under a title.

use karin_core::NumberList;

/// Numbers with what they are of, as `cycles 475–477`; how many, where the list would be long; nothing without any.
pub(crate) fn numbers(one: &str, many: &str, numbers: impl IntoIterator<Item = u16>) -> Option<String> {
    let list: NumberList = numbers.into_iter().collect();
    let text = list.to_string().replace('-', "–").replace(',', ", ");
    match list.len() {
        0 => None,
        1 => Some(format!("{one} {text}")),
        _ if text.len() <= 40 => Some(format!("{many} {text}")),
        count => Some(format!("{count} {many}")),
    }
}

/// The parts that there are, beside one another.
pub(crate) fn of(parts: impl IntoIterator<Item = Option<String>>) -> String {
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}
