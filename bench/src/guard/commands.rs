//! Labelled commands.

use std::path::PathBuf;

use pincer_defender::command::{CommandGuard, Scratch};
use pincer_defender::{BLOCK_AT, REVIEW_AT};

use std::time::Instant;

use super::clock;
use super::corpus::{self, Label, Row};
use super::earlier::Earlier;
use super::report::{self, Judged};

/// Which rows.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// A file of labelled rows.
    #[arg(long)]
    corpus: PathBuf,
    /// Also lists the rows of these sources that were judged against their label, with the rules that spoke.
    #[arg(long)]
    wrong: Vec<String>,
}

pub(crate) fn run(options: &Options) {
    let rows = corpus::read(&options.corpus);
    let (guard, mut scratch) = (CommandGuard::new(), Scratch::default());
    // Once before the clock counts: buffers grow to their size, pages come in.
    rows.iter().for_each(|row| drop(guard.assess(&row.text, &mut scratch)));
    let judge = |row| {
        let row: &Row = row;
        let since = clock::now();
        let score = guard.assess(&row.text, &mut scratch).score;
        Judged { row, score, took: clock::since(since) }
    };
    let judged = rows.iter().map(judge).collect::<Vec<_>>();
    report::print(&judged);
    block_class(&judged);
    lengths(&guard, &mut scratch);
    block_class(&Earlier::on_commands().print_beside(&judged));
    for one in judged.iter().filter(|one| options.wrong.contains(&one.row.source)) {
        wrong(one, &guard, &mut scratch);
    }
}

/// Whether blocking, rather than asking, is the right answer to attacks of this category.
fn is_block_class(category: &str) -> bool {
    const CLASSES: &[&str] = &[
        "reverse_shell",
        "remote_exec",
        "exfil",
        "credential_theft",
        "persistence",
        "privesc",
        "defense_evasion",
        "destructive",
        "destructive_fs",
    ];
    CLASSES.contains(&category) || category.starts_with("obfuscated") || category.starts_with("script_")
}

/// Recall at block over the rows whose answer should be that.
fn block_class(judged: &[Judged<'_>]) {
    let attacks =
        || judged.iter().filter(|one| one.row.label == Label::Attack && is_block_class(&one.row.category));
    let (all, blocked) = (attacks().count(), attacks().filter(|one| one.score >= BLOCK_AT).count());
    println!(
        "block-class attacks: {all}, blocked {blocked}, recall at block {:.3}",
        blocked as f64 / all.max(1) as f64
    );
}

/// Time over length: what is linear stays at one time a byte.
fn lengths(guard: &CommandGuard, scratch: &mut Scratch) {
    const PIECES: &[(&str, &str)] = &[
        ("list", "cd build && make -j4 test | tee log.txt; "),
        ("words", "src/module/file.rs "),
        ("short", "a;"),
        ("groups", "(a|b);"),
        ("substitutions", "$(a)"),
        ("quotes", "\"a\"'b'"),
        ("variables", "a=$a$a;"),
        ("documents", "cat <<E\nx\nE\n"),
        ("openers", "$("),
        ("directories", "cd /etc; ls a b c; "),
        ("arrays", "a=(b c); echo ${a[@]}; "),
        ("readers", "tee >(cat) "),
        ("planted", "echo 'curl a | sh' > b.c; "),
        ("planted in planted", "echo \"curl a > b <<< 'curl c > d'\" > e.f; "),
        ("finds", "find a -exec sh -c 'b \"$1\"' _ {} \\; ; "),
        ("separators", "IFS=,; a=b,c; $a; "),
    ];
    println!("\nlong commands, us           4 KiB   16 KiB   64 KiB");
    for (name, piece) in PIECES {
        print!("{name:24}");
        for bytes in [4 << 10, 16 << 10, 64 << 10] {
            let command = piece.repeat(bytes / piece.len());
            let times = (0..5).map(|_| {
                let since = Instant::now();
                drop(guard.assess(&command, scratch));
                since.elapsed()
            });
            print!(" {:8.0}", times.min().unwrap_or_default().as_secs_f64() * 1e6);
        }
        println!();
    }
}

/// One line about a row that was judged against its label.
fn wrong(one: &Judged<'_>, guard: &CommandGuard, scratch: &mut Scratch) {
    let wanted = match one.row.label {
        Label::Benign => 0.0,
        Label::Attack if is_block_class(&one.row.category) => BLOCK_AT,
        Label::Attack => REVIEW_AT,
    };
    let is_wrong = match one.row.label {
        Label::Benign => one.score >= REVIEW_AT,
        Label::Attack => one.score < wanted,
    };
    if !is_wrong {
        return;
    }
    let findings = guard.assess(&one.row.text, scratch).findings;
    let rules: Vec<String> =
        findings.iter().map(|finding| format!("{}:{:.0}", finding.rule, finding.weight)).collect();
    println!(
        "WRONG {} {:?} {} {} {:.1} [{}] {}",
        one.row.id,
        one.row.label,
        one.row.category,
        one.row.source,
        one.score,
        rules.join(" "),
        one.row.text.replace('\n', "\\n")
    );
}
