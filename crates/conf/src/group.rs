//! Sections as written -> objects: repeated sections are merged, or told apart when each clearly
//! describes an object of its own; sections and keys nobody knows are reported.

use std::collections::HashMap;

use crate::diag::{Log, show};
use crate::parse::{Document, Item, Section};
use crate::schema::{self, SECTIONS, SectionSpec};
use crate::suggest::did_you_mean;

/// One object of the file: a section of a known kind with all its items.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) spec: &'static SectionSpec,
    /// As written, for messages.
    pub(crate) name: String,
    pub(crate) number: u32,
    pub(crate) line: usize,
    pub(crate) items: Vec<Item>,
}

/// All objects of a file in the order of the file.
#[derive(Debug)]
pub(crate) struct Blocks(Vec<Block>);

impl Blocks {
    /// The objects of the kind called `kind` (a name of the schema).
    pub(crate) fn all(&self, kind: &'static str) -> impl Iterator<Item = &Block> {
        self.0.iter().filter(move |b| b.spec.name == kind)
    }

    /// The only object of a kind that cannot stand twice.
    pub(crate) fn get(&self, kind: &'static str) -> Option<&Block> {
        self.all(kind).next()
    }

    pub(crate) fn has(&self, kind: &'static str) -> bool {
        self.get(kind).is_some()
    }
}

/// Groups the sections of `document` into objects.
pub(crate) fn group(document: Document, log: &mut Log) -> Blocks {
    let mut blocks: Vec<Block> = Vec::new();
    let mut first: HashMap<String, usize> = HashMap::new();
    for section in document.sections {
        let Some(spec) = schema::section(&section.name) else {
            unknown_section(&section, log);
            continue;
        };
        let key = section.name.to_ascii_lowercase();
        match first.get(&key) {
            Some(&at) if !own_object(&blocks[at], &section) => merge(&mut blocks[at], section, log),
            seen => {
                if let Some(&at) = seen {
                    told_apart(&blocks[at], &section, log);
                }
                first.entry(key).or_insert(blocks.len());
                let Section { name, number, line, items } = section;
                blocks.push(Block { spec, name, number, line, items });
            }
        }
    }
    blocks.iter().for_each(|block| check_keys(block, log));
    Blocks(blocks)
}

/// Does a repeated section name an object again (its own Type, NQN, TargetName)?
fn own_object(block: &Block, section: &Section) -> bool {
    let Some(identity) = block.spec.identity else {
        return false;
    };
    let has = |items: &[Item]| items.iter().any(|i| i.key.eq_ignore_ascii_case(identity));
    has(&block.items) && has(&section.items)
}

fn merge(block: &mut Block, section: Section, log: &mut Log) {
    let message = format!("[{}] stood already on line {}; both are read as one section", section.name, block.line);
    log.warn(section.line, message, "write one section, or give each its own number");
    block.items.extend(section.items);
}

fn told_apart(block: &Block, section: &Section, log: &mut Log) {
    let identity = block.spec.identity.unwrap_or_default();
    let message = format!(
        "[{}] stood already on line {}; as this one has its own {identity}, both are used (SPDK 20.01 would use only the first)",
        section.name, block.line
    );
    log.warn(section.line, message, format!("write [{0}1], [{0}2] and so on", block.spec.name));
}

fn unknown_section(section: &Section, log: &mut Log) {
    let names = SECTIONS.iter().map(|s| s.name);
    let stem = section.name.trim_end_matches(|c: char| c.is_ascii_digit());
    let remedy = did_you_mean(stem, names, "remove it, or look up its name in the documentation");
    log.warn(section.line, format!("section [{}] is not known; it is ignored", cut(&section.name)), remedy);
}

fn cut(name: &str) -> String {
    let shown = show(name);
    shown.trim_matches('"').to_owned()
}

/// Unknown keys, keys that stand too often, and keys with too few or too many values.
fn check_keys(block: &Block, log: &mut Log) {
    if block.spec.keys.is_empty() {
        return;
    }
    let mut seen: HashMap<String, usize> = HashMap::new();
    for item in &block.items {
        let Some(key) = block.spec.key(&item.key) else {
            unknown_key(block, item, log);
            continue;
        };
        if let Some(line) = seen.get(&item.key.to_ascii_lowercase()).filter(|_| !key.many || key.name.ends_with('*')) {
            let message = format!("[{}] {} stood already on line {line}; this one is ignored", block.name, item.key);
            log.warn(item.line, message, "keep one of them");
        }
        seen.entry(item.key.to_ascii_lowercase()).or_insert(item.line);
        check_count(block, item, key.min, key.max, log);
    }
}

fn unknown_key(block: &Block, item: &Item, log: &mut Log) {
    let message = if item.key == "=" || item.value(0) == Some("=") || item.key.contains('=') {
        format!(
            "[{}] {} is not known; it is ignored; there is no '=' between key and value",
            block.name,
            show(&item.key)
        )
    } else {
        format!("[{}] {} is not known; it is ignored", block.name, show(&item.key))
    };
    let otherwise =
        other_home(&item.key).unwrap_or_else(|| "remove it, or look up its name in the documentation".to_owned());
    let names = block.spec.keys.iter().map(|k| k.name.trim_end_matches('*'));
    log.warn(item.line, message, did_you_mean(&item.key, names, &otherwise));
}

fn other_home(key: &str) -> Option<String> {
    let home = SECTIONS.iter().find(|s| s.key(key).is_some())?;
    Some(format!("it belongs in [{}]", home.name))
}

fn check_count(block: &Block, item: &Item, min: usize, max: usize, log: &mut Log) {
    let count = item.len();
    if count < min {
        let message = format!("[{}] {} needs {min} value(s) and has {count}", block.name, item.key);
        log.warn(item.line, message, "add what is missing");
    } else if count > max {
        let first = item.value(max).unwrap_or_default();
        let message =
            format!("[{}] {} takes {max} value(s); {} and what follows is ignored", block.name, item.key, show(first));
        log.warn(item.line, message, "put a value with blanks in double quotes");
    }
}
