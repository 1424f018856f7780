//! Writing a page of an ordered connection: every member the client asked for, in its place, with the products of the
//! page in order and cursors that carry it.

use super::Run;
use crate::gateway::plan::{Branch, EdgeMember, Member, PageMember, Plan, Rank, SelectionId, Trie};
use crate::gateway::rerank::cursor::Place;
use crate::gateway::rerank::page::{Listed, Page};
use crate::gateway::splice::{self, Error, Fragment, FragmentId, Step, Wanted, Writing};
use serde_json::Value;
use std::collections::HashMap;
use std::ops::Range;

/// The most elements of one page.
const LONGEST: usize = 1000;

/// What writing a connection takes.
pub(super) struct ConnectionWriter<'a> {
    pub run: &'a mut Run,
    pub plan: &'a Plan,
    pub rank: &'a Rank,
    pub listed: &'a Listed,
    pub page: &'a Page,
    pub seal: &'a dyn Fn(&Place) -> String,
    /// The connection's key in the personalization schema.
    pub key: String,
    pub errors: &'a mut Vec<Error>,
}

impl ConnectionWriter<'_> {
    /// The connection. `None`: the platform's answer is not what was asked for.
    pub(super) fn connection(&mut self) -> Option<Fragment> {
        let members = splice::members_of(&self.listed.body, self.listed.raw.clone()).ok()?;
        let mut writing = Writing::default();
        for (at, (name, range)) in members.iter().enumerate() {
            writing.text(if at == 0 { b"{" } else { b"," });
            let path = [Step::Key(name.clone())];
            match self.rank.members.get(name) {
                Some(Member::Edges(edge)) => {
                    key(&mut writing, name);
                    self.edges(&mut writing, edge, name, range.clone())?;
                }
                Some(Member::Nodes(selection)) => {
                    key(&mut writing, name);
                    self.nodes(&mut writing, *selection, name, range.clone())?;
                }
                Some(Member::PageInfo(info)) => {
                    key(&mut writing, name);
                    self.page_info(&mut writing, info, range.clone())?;
                }
                None => match self.rank.trie.get(name) {
                    Some(Branch::Site(site)) => {
                        key(&mut writing, self.plan.sites.get(*site).map_or(name, |site| &site.key));
                        writing.hole(Wanted::Site(*site), &self.key, None, &path);
                    }
                    Some(Branch::Descend(trie)) => {
                        key(&mut writing, name);
                        let fragment = splice::value(&self.listed.body, range.clone(), trie).ok()?;
                        let fill = self.run.add(fragment);
                        writing.fragment(fill, &path);
                    }
                    _ => {
                        key(&mut writing, name);
                        writing.text(self.listed.body.get(range.clone())?);
                    }
                },
            }
        }
        writing.text(if members.is_empty() { b"{}" } else { b"}" });
        Some(writing.done())
    }

    fn edges(
        &mut self,
        writing: &mut Writing,
        shape: &HashMap<Box<str>, EdgeMember>,
        name: &str,
        list: Range<usize>,
    ) -> Option<()> {
        let items = splice::places(&self.listed.body, list, LONGEST).ok()?;
        if items.len() != self.page.held() {
            return None;
        }
        let trie = descend(&self.rank.trie, name);
        writing.text(b"[");
        for (at, slot) in self.page.shown().into_iter().enumerate() {
            let held = self.page.held_at(slot);
            // An edge that the platform did not send is written like one that it did.
            let template = items.get(held.unwrap_or(0))?.clone();
            writing.text(if at == 0 { b"{" } else { b",{" });
            for (position, (member, range)) in splice::members_of(&self.listed.body, template).ok()?.iter().enumerate()
            {
                if position > 0 {
                    writing.text(b",");
                }
                key(writing, member);
                match shape.get(member) {
                    Some(EdgeMember::Cursor) => writing.json(&Value::from((self.seal)(&self.page.place(slot)?))),
                    Some(EdgeMember::Node(selection)) => {
                        let from = [name_step(name), Step::Index(held.unwrap_or(0)), name_step(member)];
                        let node = held.map(|_| range.clone());
                        let trie = trie.and_then(|trie| descend(trie, member));
                        let fill = self.node(slot, *selection, node, trie, &from)?;
                        writing.fragment(fill, &[name_step(name), Step::Index(at), name_step(member)]);
                    }
                    None => writing.text(self.listed.body.get(range.clone())?),
                }
            }
            writing.text(b"}");
        }
        writing.text(b"]");
        Some(())
    }

    fn nodes(&mut self, writing: &mut Writing, selection: SelectionId, name: &str, list: Range<usize>) -> Option<()> {
        let items = splice::places(&self.listed.body, list, LONGEST).ok()?;
        if items.len() != self.page.held() {
            return None;
        }
        let trie = descend(&self.rank.trie, name);
        writing.text(b"[");
        for (at, slot) in self.page.shown().into_iter().enumerate() {
            if at > 0 {
                writing.text(b",");
            }
            let held = self.page.held_at(slot);
            let from = [name_step(name), Step::Index(held.unwrap_or(0))];
            let node = held.and_then(|held| items.get(held).cloned());
            let fill = self.node(slot, selection, node, trie, &from)?;
            writing.fragment(fill, &[name_step(name), Step::Index(at)]);
        }
        writing.text(b"]");
        Some(())
    }

    /// The node of a slot: the platform's own bytes where its page held it, else what was looked up.
    fn node(
        &mut self,
        slot: usize,
        selection: SelectionId,
        held: Option<Range<usize>>,
        trie: Option<&Trie>,
        from: &[Step],
    ) -> Option<FragmentId> {
        let Some(range) = held else {
            let key = self.page.look_up_key(slot)?;
            return self.run.loaded.get(selection, key).flatten();
        };
        let mut fragment = splice::value(&self.listed.body, range, trie.unwrap_or(&Trie::default())).ok()?;
        let path = [self.listed.path.as_slice(), from].concat();
        fragment.errors.extend(splice::take_below(self.errors, &path));
        Some(self.run.add(fragment))
    }

    fn page_info(
        &mut self,
        writing: &mut Writing,
        shape: &HashMap<Box<str>, PageMember>,
        object: Range<usize>,
    ) -> Option<()> {
        writing.text(b"{");
        for (at, (name, range)) in splice::members_of(&self.listed.body, object).ok()?.iter().enumerate() {
            if at > 0 {
                writing.text(b",");
            }
            key(writing, name);
            let shown = self.page.shown();
            let cursor = |slot: Option<&usize>| match slot {
                Some(slot) => self.page.place(*slot).map(|place| Value::from((self.seal)(&place))),
                None => Some(Value::Null),
            };
            match shape.get(name) {
                Some(PageMember::HasNext) => writing.json(&Value::from(self.page.has_next())),
                Some(PageMember::HasPrevious) => writing.json(&Value::from(self.page.has_previous())),
                Some(PageMember::Start) => writing.json(&cursor(shown.first())?),
                Some(PageMember::End) => writing.json(&cursor(shown.last())?),
                None => writing.text(self.listed.body.get(range.clone())?),
            }
        }
        writing.text(b"}");
        Some(())
    }
}

fn key(writing: &mut Writing, name: &str) {
    writing.json(&Value::from(name));
    writing.text(b":");
}

fn name_step(name: &str) -> Step {
    Step::Key(name.into())
}

fn descend<'t>(trie: &'t Trie, name: &str) -> Option<&'t Trie> {
    match trie.get(name) {
        Some(Branch::Descend(trie)) => Some(trie),
        _ => None,
    }
}
