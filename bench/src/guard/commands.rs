//! Labelled commands.

use std::path::PathBuf;

use pincer_defender::command::{CommandGuard, Scratch};
use pincer_defender::{BLOCK_AT, REVIEW_AT};

use std::time::Instant;

use super::clock;
use super::corpus::{self, Label, Row};
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
    earlier();
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

/// The earlier Rust guard, as `defender.md` section 2 has it: measured there, on a dev split of 2,874 rows that has since
/// lost 112. Not measured by this program.
fn earlier() {
    println!(
        "\nearlier Rust guard, from the project's reference (2,874 rows of the dev split of then; not measured here):\n\
         review recall 0.141  fpr 0.0335  f1 0.234  macro recall 0.086;  block recall 0.061  fpr 0.0183;  auc 0.579\n\
         block-class attacks blocked 0.078;  us a decision: p50 0.6  p99 3\n\
         recall at review by category: credential_theft 0.204  defense_evasion 0.214  destructive 0.185\n\
         destructive_cloud 0.055  destructive_fs 0.367  destructive_vcs 0.020  execution 0.174  exfil 0.105\n\
         obfuscated 0.206  persistence 0.298  privesc 0.500  recon 0.012  remote_exec 0.182  reverse_shell 0.011\n\
         script_credential_theft 0.000  script_destructive 0.000  script_exfil 0.000  script_persistence 1.000\n\
         false positives at review: everyday 0.023  mentions_danger 0.585  nl2bash 0.019  ops_readonly 0.000  vcs 0.006"
    );
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
