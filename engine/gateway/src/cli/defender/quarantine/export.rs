//! `pincer defender quarantine export`: the ledger as it is, for somebody else to check.

use std::fs::{self, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use pincer_store::quarantine::{Exported, QuarantineReader};
use serde_json::json;

use crate::cli::{Failure, Output};

#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// Where to, readable by its owner only; - for standard output
    file: PathBuf,
    /// With the texts that are kept, whole
    #[arg(long)]
    payloads: bool,
}

/// Exports. A file is there whole or not at all.
pub(super) fn execute(
    args: &ExportArgs,
    reader: &QuarantineReader,
    output: &Output,
) -> Result<ExitCode, Failure> {
    if args.file.as_os_str() == "-" {
        let mut out = BufWriter::new(io::stdout().lock());
        let exported = reader.export(&mut out, args.payloads).map_err(Failure::new)?;
        output.remark(in_words(&exported));
        return Ok(ExitCode::SUCCESS);
    }
    let mut temporary = args.file.clone().into_os_string();
    temporary.push(format!(".{}.tmp", std::process::id()));
    let temporary = PathBuf::from(temporary);
    let exported = write(&temporary, args.payloads, reader).and_then(|exported| {
        fs::rename(&temporary, &args.file)
            .map(|()| exported)
            .map_err(|error| Failure::new(format!("cannot write {}: {error}", args.file.display())))
    });
    if exported.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    let exported = exported?;
    if output.is_json() {
        output.document(&json!({
            "path": args.file,
            "records": exported.lines,
            "payloads": exported.payloads,
            "leftOut": exported.left_out,
            "head": exported.head,
        }));
    } else {
        output.line(format!("{}: {}", args.file.display(), in_words(&exported)));
    }
    Ok(ExitCode::SUCCESS)
}

fn write(path: &Path, payloads: bool, reader: &QuarantineReader) -> Result<Exported, Failure> {
    let at = |error: io::Error| Failure::new(format!("cannot write {}: {error}", path.display()));
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(at)?;
    let mut out = BufWriter::new(file);
    let exported = reader.export(&mut out, payloads).map_err(Failure::new)?;
    out.flush().map_err(at)?;
    out.get_ref().sync_all().map_err(at)?;
    Ok(exported)
}

fn in_words(exported: &Exported) -> String {
    let Exported { lines, payloads, left_out, head } = exported;
    let mut text =
        format!("{lines} records, {payloads} texts; the chain ends with record {} {}", head.count, head.hash);
    if *left_out > 0 {
        text.push_str(&format!(
            "\n{left_out} are damaged and were left out: `pincer defender quarantine verify` says which"
        ));
    }
    text
}
