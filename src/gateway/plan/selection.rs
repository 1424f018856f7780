//! What the client asked of a product, and the documents by which it is looked up.

use super::upstream::define;
use super::{Plan, Rendered, SelectionId, Trie};
use crate::gateway::products::key::Document;
use apollo_compiler::Name;
use std::sync::OnceLock;

/// What the client asked of a product: the inside of a look-up.
#[derive(Debug)]
pub struct Selection {
    /// Inline fragments on the product type.
    pub inside: Rendered,
    /// Named fragments that it leans on, rendered, with their variables.
    pub fragments: Vec<(Name, Rendered)>,
    /// Where sites stand in each product.
    pub trie: Trie,
    /// Its look-up by itself: see [`Plan::alone`].
    pub(super) alone: OnceLock<Alone>,
}

/// The look-up of one selection by itself, made when it is first needed.
#[derive(Debug)]
pub struct Alone {
    /// The document as a JSON string.
    pub quoted: String,
    /// The operation's variables in it.
    pub variables: Vec<Name>,
    /// What its products are kept by.
    pub document: Document,
}

impl Plan {
    /// The look-up of one selection by itself.
    pub(crate) fn alone(&self, selection: SelectionId) -> Option<&Alone> {
        let make = || {
            let (text, variables) = self.look_up(&[selection]);
            let document = Document::new(&text);
            Alone { quoted: serde_json::Value::from(text).to_string(), variables, document }
        };
        Some(self.selections.get(selection)?.alone.get_or_init(make))
    }

    /// The look-up of these selections in one document, and the operation's variables in it: `_gw_s0: nodes(ids: $_gw_i0) {…} _gw_s1: …`.
    pub(crate) fn look_up(&self, selections: &[SelectionId]) -> (String, Vec<Name>) {
        let (mut ids, mut body, mut tail) = (String::new(), String::from("{"), String::new());
        let mut used: Vec<&Name> = self.directives.variables.iter().collect();
        let mut seen: Vec<&Name> = Vec::new();
        for id in selections {
            let Some(selection) = self.selections.get(*id) else { continue };
            ids.push_str(&format!("$_gw_i{id}:[ID!]! "));
            body.push_str(&format!("_gw_s{id}:nodes(ids:$_gw_i{id}){{{}}} ", selection.inside.text));
            used.extend(&selection.inside.variables);
            for (name, fragment) in &selection.fragments {
                used.extend(&fragment.variables);
                if !seen.contains(&name) {
                    seen.push(name);
                    tail.push_str(&fragment.text);
                }
            }
        }
        body.push('}');
        let mut text = String::from("query");
        let variables = define(&self.variables, &used, &ids, &mut text);
        (text + &self.directives.text + &body + &tail, variables)
    }
}
