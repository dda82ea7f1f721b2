//! What is wrong with an expression, and where.

/// A text that is no expression, or one that names what is not there. Shows the text with a caret under the fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}\n  {}\n  {}^{}", self.line(), " ".repeat(self.column()), self.hint())]
pub struct ExpressionError {
    /// The whole text.
    pub text: String,
    /// Byte position of the fault.
    pub position: usize,
    /// What is wrong.
    pub message: String,
    /// What may have been meant.
    pub suggestion: Option<String>,
}

impl ExpressionError {
    pub(crate) fn new(text: &str, position: usize, message: impl Into<String>) -> Self {
        Self {
            text: text.to_owned(),
            position,
            message: message.into(),
            suggestion: None,
        }
    }

    pub(super) fn suggesting(mut self, suggestion: Option<String>) -> Self {
        self.suggestion = suggestion;
        self
    }

    /// The text on one line, as shown.
    fn line(&self) -> String {
        self.text
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect()
    }

    /// Characters before the fault.
    fn column(&self) -> usize {
        self.text
            .char_indices()
            .take_while(|(index, _)| *index < self.position)
            .count()
    }

    fn hint(&self) -> String {
        self.suggestion
            .as_ref()
            .map_or_else(String::new, |name| format!(" did you mean `{name}`?"))
    }
}
