//! The house's one direction: what a file of `src` uses stands on a floor below its own, and no two files use each
//! other, by whatever way round. Read from the `use crate::`, `use super::` and `crate::…::` of each file.

use petgraph::algo::tarjan_scc;
use petgraph::graphmap::DiGraphMap;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// From the top; those of one floor know nothing of each other.
const FLOORS: [&[&str]; 16] = [
    &["commands"],
    &["bug", "cli", "signals"],
    &["ui"],
    &["crm", "metrics", "render", "settings"],
    &["receipt"],
    &["exit"],
    &["execute"],
    &["doctor", "explanation", "introspect"],
    &["sql"],
    &["restoration", "saved"],
    &["address", "archive", "database", "findings"],
    &["engine", "policy"],
    &["plan", "selection"],
    &["graph"],
    &["catalog", "files", "interrupt"],
    &["label"],
];

/// `sql::proof` for `src/sql/proof.rs`.
type Module = String;

#[test]
fn nothing_uses_what_stands_above_it() {
    let floor = |module: &str| {
        let room = module.split("::").next().unwrap_or(module);
        let floor = FLOORS.iter().position(|rooms| rooms.contains(&room));
        (room.to_owned(), floor.unwrap_or_else(|| panic!("on which floor does {room} stand?")))
    };
    let mut upwards = Vec::new();
    for (module, used) in uses() {
        let (room, from) = floor(&module);
        for other in used {
            let (other_room, to) = floor(&other);
            if to <= from && other_room != room {
                upwards.push(format!("{module} uses {other}"));
            }
        }
    }
    assert!(upwards.is_empty(), "these run up: {upwards:#?}");
}

#[test]
fn no_files_use_each_other_in_a_circle() {
    let uses = uses();
    let mut graph = DiGraphMap::<&str, ()>::new();
    for (module, used) in &uses {
        for other in used {
            graph.add_edge(module, other, ());
        }
    }
    let circles: Vec<_> = tarjan_scc(&graph).into_iter().filter(|files| files.len() > 1).collect();
    assert!(circles.is_empty(), "{circles:#?}");
}

/// What each file uses of the others.
fn uses() -> BTreeMap<Module, BTreeSet<Module>> {
    let texts = texts();
    let used = |(module, text): (&Module, &String)| {
        let paths = imports(module, text).into_iter().chain(in_passing(text));
        let known = paths.filter_map(|path| file_of(&path, &texts));
        (module.clone(), known.filter(|other| other != module).collect())
    };
    texts.iter().map(used).collect()
}

/// The files without comments and unit tests; `main` and `lib` see everything.
fn texts() -> BTreeMap<Module, String> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut texts = BTreeMap::new();
    let mut folders = vec![src.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder of src") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if let Some(module) = module(&src, &path) {
                let text = fs::read_to_string(&path).expect("a source");
                let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
                let code = text.lines().map(|line| line.split("//").next().unwrap_or_default());
                texts.insert(module, code.collect::<Vec<_>>().join("\n"));
            }
        }
    }
    texts
}

fn module(src: &Path, path: &Path) -> Option<Module> {
    let path: PathBuf = path.strip_prefix(src).ok()?.with_extension("");
    let named = path.extension().is_none() && !path.ends_with("tests");
    let mut parts: Vec<_> = path.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    parts.pop_if(|last| last == "mod");
    let module = parts.join("::");
    (named && !["", "main", "lib"].contains(&module.as_str())).then_some(module)
}

/// The paths of a file's `use crate::…` and `use super::…`, in full.
fn imports(module: &str, text: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for statement in text.split("use ").skip(1) {
        let tree: String =
            statement.split(';').next().unwrap_or_default().split_whitespace().collect();
        let mut base: Vec<&str> = module.split("::").collect();
        let inside = match (tree.strip_prefix("crate::"), tree.strip_prefix("super::")) {
            (Some(rest), _) => {
                base.clear();
                rest
            }
            (None, Some(mut rest)) => {
                base.pop();
                while let Some(further) = rest.strip_prefix("super::") {
                    base.pop();
                    rest = further;
                }
                rest
            }
            (None, None) => continue,
        };
        branches(&base.join("::"), inside, &mut paths);
    }
    paths
}

/// `a::{b, c::d}` as `a::b` and `a::c::d`.
fn branches(base: &str, tree: &str, paths: &mut Vec<String>) {
    let Some((stem, group)) = tree.split_once('{') else {
        paths.push(format!("{base}::{tree}"));
        return;
    };
    let stem = format!("{base}::{}", stem.trim_end_matches("::"));
    let (mut depth, mut start) = (0, 0);
    let group = group.strip_suffix('}').unwrap_or(group);
    for (at, sign) in group.char_indices().chain([(group.len(), ',')]) {
        match sign {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                branches(&stem, &group[start..at], paths);
                start = at + 1;
            }
            _ => {}
        }
    }
}

/// `crate::…` in the midst of code.
fn in_passing(text: &str) -> Vec<String> {
    let is_path = |sign: char| sign.is_alphanumeric() || sign == '_' || sign == ':';
    let path = |rest: &str| rest.chars().take_while(|sign| is_path(*sign)).collect();
    text.split("crate::").skip(1).map(path).collect()
}

/// The file that a path leads to or into.
fn file_of(path: &str, texts: &BTreeMap<Module, String>) -> Option<Module> {
    let mut parts: Vec<&str> = path.split("::").filter(|part| !part.is_empty()).collect();
    while !parts.is_empty() && !texts.contains_key(&parts.join("::")) {
        parts.pop();
    }
    (!parts.is_empty()).then(|| parts.join("::"))
}
