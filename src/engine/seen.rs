//! Characters that a reader of a script does not see.

use super::token::{Kind, tokens};
use crate::label::is_hidden;

/// Tabs and the like between the words of a policy's condition become blanks.
pub(super) fn with_plain_blanks(statement: &str) -> String {
    let mut written = String::with_capacity(statement.len());
    let mut end = 0;
    let between = |text: &str| -> String {
        text.chars().map(|c| if is_hidden(c) && c != '\n' { ' ' } else { c }).collect()
    };
    for token in tokens(statement) {
        written += &between(&statement[end..token.start]);
        written += token.text;
        end = token.end();
    }
    written + &between(&statement[end..])
}

/// A character that is not seen, or a line end inside a name or text.
pub(super) fn hides_something(statement: &str) -> bool {
    statement.contains(|c| is_hidden(c) && c != '\n')
        || tokens(statement).iter().any(|t| t.kind == Kind::Quoted && t.text.contains('\n'))
}
