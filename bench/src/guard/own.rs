//! Training examples of our own, written for it: they are trained on and set marks, and are no part of what is reported of
//! the corpus.
//!
//! Labelled corpora have few harmless documents and few ways to say a thing. `own/documents.txt` are harmless
//! documents, `own/injections.txt` orders that have no business in them, `own/attacks.txt` and `own/prompts.txt` what
//! people type, with and without bad intent. `own/written.jsonl` are whole texts of all these kinds, a labelled row a line.

use super::corpus::{self, Channel, Label, Row};
use super::documents;

/// Sources of the rows of `own/written.jsonl`: texts of tools and what is planted in them, messages of people and what
/// they demand.
pub(super) const WRITTEN: [&str; 4] = ["own:texts", "own:planted", "own:messages", "own:demands"];

/// The source of texts that are only judged.
pub(super) const UNSEEN: &str = "unseen";

/// In cross-validation they are judged by models that were trained without a part of so many of them.
pub(super) const FOLDS: usize = 4;
/// Stands between the source of a text and the number of its part.
const FOLD: char = '#';

/// The part that a source stands for, if it is of these texts.
pub(super) fn fold(source: &str) -> Option<usize> {
    source.split_once(FOLD)?.1.parse().ok()
}

/// A source without the number of the part.
pub(super) fn source(source: &str) -> &str {
    source.split_once(FOLD).map_or(source, |(source, _)| source)
}

/// Puts rows like those of `own/written.jsonl` into their parts, by their text.
pub(super) fn folded(rows: Vec<Row>) -> impl Iterator<Item = Row> {
    rows.into_iter().map(|row| {
        let fold = documents::hash(&row.text) >> 32 & (FOLDS as u64 - 1);
        Row { source: format!("{}{FOLD}{fold}", row.source), ..row }
    })
}

/// What a tool says as JSON, in one of the ways that tools have; `None` if it is no tool's or is JSON.
fn as_json(row: &Row) -> Option<Row> {
    use serde_json::json;
    let text =
        Some(&row.text).filter(|text| row.channel == Channel::Tool && !text.starts_with(['{', '[']))?;
    let text = match documents::hash(text) >> 40 & 3 {
        0 => json!({"result": text}).to_string(),
        1 => json!([{"type": "text", "text": text}]).to_string(),
        2 => json!({"id": 17, "status": "ok", "content": text, "truncated": false}).to_string(),
        _ => format!("{:#}", json!({"items": [{"name": "first", "body": text}], "next": null})),
    };
    Some(Row { text, category: format!("{} in JSON", row.category), ..row.clone() })
}

/// Each order is put into so many documents.
const PLACES: usize = 4;

/// Texts of the same kinds, by a writer who saw none of the others, and those of tools once more as JSON: never trained on,
/// and they set no mark.
pub(crate) fn unseen() -> Vec<Row> {
    let rows = corpus::rows(include_str!("own/unseen.jsonl"), "own/unseen.jsonl");
    rows.into_iter().flat_map(|row| [as_json(&row), Some(row)]).flatten().collect()
}

/// All of them, as rows.
pub(crate) fn rows() -> Vec<Row> {
    let documents: Vec<&str> = include_str!("own/documents.txt").split("%%\n").map(str::trim).collect();
    let orders = entries(include_str!("own/injections.txt"));
    let mut rows = Vec::new();
    for text in include_str!("own/attacks.txt").lines() {
        rows.push(row(text, Label::Attack, Channel::User, "own:attacks"));
    }
    for text in entries(include_str!("own/prompts.txt")) {
        rows.push(row(&text, Label::Benign, Channel::User, "own:prompts"));
    }
    for document in &documents {
        rows.push(row(document, Label::Benign, Channel::Tool, "own:documents"));
        let asked = format!("Summarize the following text for me:\n\n{document}");
        rows.push(row(&asked, Label::Benign, Channel::User, "own:requests"));
    }
    rows.extend(folded(corpus::rows(include_str!("own/written.jsonl"), "own/written.jsonl")));
    for (n, order) in orders.iter().enumerate() {
        rows.push(row(order, Label::Attack, Channel::Tool, "own:orders"));
        for place in 0..PLACES {
            let document = documents[(n * 7 + place * 11) % documents.len()];
            let text = put(document, order, (n + place) % 3);
            rows.push(row(&text, Label::Attack, Channel::Tool, "own:injections"));
        }
    }
    rows
}

/// Puts `order` before, into or behind `document`.
fn put(document: &str, order: &str, place: usize) -> String {
    let lines: Vec<&str> = document.lines().collect();
    let (head, tail) = lines.split_at([0, lines.len() / 2, lines.len()][place]);
    let (head, tail) = (head.join("\n"), tail.join("\n"));
    format!("{head}\n{order}\n{tail}").trim().to_owned()
}

/// An entry a line; a code block belongs to the line before it, and lines after `#` to the heading.
fn entries(text: &str) -> Vec<String> {
    let mut entries: Vec<String> = Vec::new();
    let mut open = false;
    for line in text.lines() {
        let goes_on = open
            || line.starts_with("```")
            || entries.last().is_some_and(|last| last.starts_with('#') && !last.contains('\n'));
        if line.starts_with("```") {
            open = !open;
        }
        match entries.last_mut() {
            Some(last) if goes_on => {
                last.push('\n');
                last.push_str(line);
            }
            _ => entries.push(line.to_owned()),
        }
    }
    entries
}

fn row(text: &str, label: Label, channel: Channel, source: &str) -> Row {
    Row {
        id: String::new(),
        text: text.to_owned(),
        label,
        category: "own".to_owned(),
        source: source.to_owned(),
        channel,
    }
}
