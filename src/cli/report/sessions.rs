//! Sessions of the test beside what the blend shows after them.

use super::labels::Labels;
use super::markup::short;
use crate::train::Shown;

/// The newest items of a session that are shown.
const LAST: usize = 6;
/// Characters of a title.
const TITLE: usize = 90;

/// The sessions as HTML; nothing where there is none.
pub(super) fn sessions(shown: &[Shown], labels: &Labels<'_>) -> String {
    shown.iter().map(|session| one(session, labels)).collect()
}

fn one(session: &Shown, labels: &Labels<'_>) -> String {
    let title = |row: u32| short(&labels.title(row), TITLE);
    let (older, newest) = session.history.split_at(session.history.len().saturating_sub(LAST));
    let met: String = newest.iter().map(|row| format!("<li>{}</li>", title(*row))).collect();
    let list: String = session
        .list
        .iter()
        .map(|row| match *row == session.target {
            true => format!(r#"<li class="hit">{}<span class="tag">taken</span></li>"#, title(*row)),
            false => format!("<li>{}</li>", title(*row)),
        })
        .collect();
    let before = match older.len() {
        0 => String::new(),
        count => format!(" <small>after {count} more</small>"),
    };
    let outcome = match session.list.contains(&session.target) {
        true => String::new(),
        // A target that could not be ranked has a rank beyond any catalogue.
        false if session.rank < 1e8 => {
            format!(r#"<small>taken: {}, at place {:.0}</small>"#, title(session.target), session.rank + 1.0)
        }
        false => "<small>what was taken could not be ranked: nobody had met it, or the shopper had</small>".to_owned(),
    };
    format!(
        r#"<div class="session"><div><b>Met</b>{before}<ol start="{}">{met}</ol></div><div><b>Shown</b><ol>{list}</ol>{outcome}</div></div>"#,
        older.len() + 1
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::{Attributes, Vocabulary};

    #[test]
    fn titles_are_text_and_what_was_taken_is_marked_or_told() {
        let vocabulary = Vocabulary::new(["a", "b", "c"]).unwrap();
        let titles: Vec<Box<str>> =
            ["", "<img src=x onerror=alert(1)>", "Red & \"hot\"", "Hat"].map(Box::from).to_vec();
        let labels = Labels { vocabulary: &vocabulary, titles: &titles, attributes: &Attributes::default() };
        let shown = |target, rank| Shown { history: vec![1; 9], target, rank, list: vec![2, 3] };
        let html = sessions(&[shown(3, 1.0), shown(1, 41.0), shown(0, 1e9)], &labels);
        assert!(!html.contains("<img") && html.contains("&lt;img src=x") && html.contains("Red &amp; &quot;hot&quot;"));
        assert!(
            html.contains(r#"<li class="hit">Hat"#) && html.contains("at place 42") && html.contains("after 3 more")
        );
        assert!(html.contains("could not be ranked"), "{html}");
        assert_eq!(sessions(&[], &labels), "");
    }
}
