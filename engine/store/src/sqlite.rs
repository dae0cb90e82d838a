//! Rows in SQLite: one table a [`Table`], and one for transcript changes that are not synced yet.
//!
//! WAL with `synchronous=FULL`: a commit is one sync of the WAL. SQLite never folds the WAL in by itself; our checkpoint
//! does, after it has synced the transcripts. SQLite writes failed pages again before it syncs again, so a failed sync
//! is cured by a checkpoint here too.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pincer_sessions::persist::Table;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior, params};

use crate::disk::{self, Disk};
use crate::entry::{Entry, FileOp};
use crate::error::{Failure, OpenError};
use crate::settle::settle;
use crate::store::{Backend, Fold, RowOut};

/// `PRAGMA user_version` of our layout. 1: without approvals. An older build refuses a newer one, rather than leave out
/// what it does not know.
const VERSION: i64 = 2;

/// `PRAGMA application_id`: "PINC".
const APPLICATION_ID: i64 = 0x5049_4e43;

/// What every SQLite file begins with.
const MAGIC: &[u8] = b"SQLite format 3\0";

/// A small row change fills a whole page of WAL (4 KiB): counted in WAL bytes, the same work is four times as much.
const WAL_FACTOR: u64 = 4;

/// `SQLITE_IOERR_WRITE`.
const IOERR_WRITE: i32 = 10 | (3 << 8);

/// How long to wait for a person's `sqlite3` that holds a lock.
const BUSY_WAIT: Duration = Duration::from_secs(5);

/// Rows in a SQLite database. SQLite's page cache is all that is held in memory.
#[derive(Debug)]
pub(crate) struct SqliteBackend {
    connection: Connection,
    path: PathBuf,
    wal: PathBuf,
    checkpoint_bytes: u64,
    /// Whether transcript changes may be in the table.
    has_file_ops: bool,
    /// The last of them that a begun checkpoint covers.
    rolled: i64,
    poisoned: Option<String>,
}

impl SqliteBackend {
    /// Opens or creates the database, checks it, and settles the transcripts.
    pub(crate) fn open(
        disk: Disk,
        root: &Path,
        path: &Path,
        checkpoint_bytes: u64,
        known: bool,
        report: &mut Vec<String>,
    ) -> Result<(SqliteBackend, Vec<RowOut>), OpenError> {
        prepare_file(disk, path, known, report)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(|error| refused(path, &error))?;
        // Not one byte of a file that is not ours is changed, so what it is comes first.
        let is_new = identify(&connection, path)?;
        configure(&connection, disk).map_err(|error| refused(path, &error))?;
        if !is_new {
            check(&connection, path)?;
        }
        create_layout(&connection).map_err(|error| refused(path, &error))?;
        let wal = disk::with_suffix(path, "-wal");
        let mut backend = SqliteBackend {
            connection,
            path: path.to_owned(),
            wal,
            checkpoint_bytes,
            has_file_ops: false,
            rolled: 0,
            poisoned: None,
        };
        let ops = backend.file_ops()?;
        backend.has_file_ops = !ops.is_empty();
        if backend.has_file_ops {
            settle(root, disk, vec![ops], report)?;
        }
        backend.checkpoint()?;
        disk.sync_dir(disk::parent(path))?;
        let rows = backend.rows().map_err(|error| refused(path, &error))?;
        Ok((backend, rows))
    }

    fn rows(&self) -> rusqlite::Result<Vec<RowOut>> {
        let mut rows = Vec::new();
        for table in Table::ALL {
            let query = format!("SELECT id, json FROM {} ORDER BY id", table.as_str());
            let mut statement = self.connection.prepare(&query)?;
            let found = statement.query_map([], |row| Ok((table, row.get(0)?, row.get(1)?)))?;
            for row in found {
                rows.push(row?);
            }
        }
        Ok(rows)
    }

    fn try_write(&mut self, entries: &[Entry]) -> rusqlite::Result<()> {
        // Dropped without a commit, it rolls back.
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for entry in entries {
            match entry {
                Entry::Put { table, id, row } => {
                    transaction.prepare_cached(put_sql(*table))?.execute(params![id, row.get()])?;
                }
                Entry::Delete { table, id } => {
                    transaction.prepare_cached(delete_sql(*table))?.execute(params![id])?;
                }
                Entry::File(op) => {
                    let op = serde_json::to_string(op)
                        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
                    transaction
                        .prepare_cached("INSERT INTO transcript_ops (op) VALUES (?1)")?
                        .execute([op])?;
                }
            }
        }
        transaction.commit()
    }

    fn failure(&self, action: &str, error: &rusqlite::Error) -> Failure {
        // A failed write (a quota, a file size limit) may work later; a failed sync or read is another matter.
        let write_failed = error.sqlite_error().is_some_and(|error| error.extended_code == IOERR_WRITE);
        let busy_or_full = matches!(
            error.sqlite_error_code(),
            Some(ErrorCode::DiskFull | ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
        );
        let retryable = write_failed || busy_or_full;
        Failure {
            message: format!("cannot {action} {}: {error}", self.path.display()),
            retryable,
            denied: None,
        }
    }
}

impl Backend for SqliteBackend {
    fn write(&mut self, entries: &[Entry]) -> Result<(), Failure> {
        let written = self.try_write(entries).map_err(|error| {
            let failure = self.failure("write", &error);
            if error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure) {
                self.poisoned = Some(failure.message.clone());
            }
            failure
        });
        self.has_file_ops |= entries.iter().any(|entry| matches!(entry, Entry::File(_)));
        written
    }

    fn pending_bytes(&self) -> u64 {
        fs::metadata(&self.wal).map_or(0, |meta| meta.len())
    }

    fn due_bytes(&self) -> u64 {
        self.checkpoint_bytes.saturating_mul(WAL_FACTOR)
    }

    fn poisoned(&self) -> Option<&str> {
        self.poisoned.as_deref()
    }

    fn file_ops(&mut self) -> Result<Vec<FileOp>, Failure> {
        let read = || -> rusqlite::Result<Vec<String>> {
            let mut statement = self.connection.prepare("SELECT op FROM transcript_ops ORDER BY n")?;
            statement.query_map([], |row| row.get(0))?.collect()
        };
        let texts = read().map_err(|error| self.failure("read", &error))?;
        let parsed = texts.iter().map(|text| {
            serde_json::from_str::<FileOp>(text).ok().filter(FileOp::is_sound).ok_or_else(|| {
                Failure::lasting(format!(
                    "{} has a transcript change that cannot be read",
                    self.path.display()
                ))
            })
        });
        parsed.collect()
    }

    fn roll(&mut self) -> Result<Fold, Failure> {
        let last = "SELECT coalesce(max(n), 0) FROM transcript_ops";
        self.rolled = self
            .connection
            .query_row(last, [], |row| row.get(0))
            .map_err(|error| self.failure("read", &error))?;
        // The connection stays on its thread: there is nothing to do beside it.
        Ok(Box::new(|| Ok(0)))
    }

    fn folded(&mut self, _snapshot_bytes: u64) -> Result<(), Failure> {
        self.fold(self.rolled)
    }

    fn checkpoint(&mut self) -> Result<(), Failure> {
        self.fold(i64::MAX)?;
        self.has_file_ops = false;
        self.poisoned = None;
        Ok(())
    }
}

impl SqliteBackend {
    /// Forgets the transcript changes up to number `last` and folds the WAL in.
    fn fold(&self, last: i64) -> Result<(), Failure> {
        let fold = |connection: &Connection, has_file_ops: bool| -> rusqlite::Result<i64> {
            if has_file_ops {
                connection.execute("DELETE FROM transcript_ops WHERE n <= ?1", [last])?;
            }
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
        };
        match fold(&self.connection, self.has_file_ops) {
            // 1: a reader (a person's `sqlite3`) still needs the WAL. What is synced stays synced.
            Ok(0) => Ok(()),
            Ok(_) => Err(Failure {
                message: format!("{} is being read by another program", self.path.display()),
                retryable: true,
                denied: None,
            }),
            Err(error) => Err(self.failure("checkpoint", &error)),
        }
    }
}

/// Makes sure that there is a file worth opening: SQLite takes an empty one for a new database without a word.
fn prepare_file(disk: Disk, path: &Path, known: bool, report: &mut Vec<String>) -> Result<(), OpenError> {
    let Some(file) = disk.open(path)? else {
        if known {
            report.push(format!("{} is gone; this gateway had it: starting with nothing", path.display()));
        }
        // A WAL without its database belongs to one that is gone; SQLite would play it into the new one.
        for suffix in ["-wal", "-shm"] {
            let stray = disk::with_suffix(path, suffix);
            if disk::exists(&stray)? {
                let aside = crate::settle::aside_path(&stray)?;
                disk.rename(&stray, &aside)?;
                report.push(format!("{} had no database and is now {}", stray.display(), aside.display()));
            }
        }
        disk.create(path)?;
        return Ok(());
    };
    let head = file.read(0, MAGIC.len() as u64)?;
    let is_ours_to_fill = head.is_empty() && !known;
    if head == MAGIC || is_ours_to_fill {
        return Ok(());
    }
    let blank = head.iter().all(|&byte| byte == 0);
    match known || blank {
        true => Err(damaged(path, if blank { "it is empty" } else { "it does not begin like a database" })),
        false => Err(OpenError::Foreign { path: path.to_owned() }),
    }
}

fn configure(connection: &Connection, disk: Disk) -> rusqlite::Result<()> {
    // The cache is small on purpose: the gateway holds all rows itself, and reads only at start.
    connection.execute_batch(
        "PRAGMA page_size=4096; PRAGMA cache_size=-256; PRAGMA mmap_size=0; PRAGMA temp_store=MEMORY; \
         PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA wal_autocheckpoint=0;",
    )?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", if disk.fsync { "FULL" } else { "OFF" })?;
    connection.set_prepared_statement_cache_capacity(2 * Table::ALL.len() + 1);
    Ok(())
}

/// Whether the database is new and empty; an error when it is not ours.
fn identify(connection: &Connection, path: &Path) -> Result<bool, OpenError> {
    connection.busy_timeout(BUSY_WAIT).map_err(|error| refused(path, &error))?;
    let pragma = |name: &str| -> Result<i64, OpenError> {
        connection.pragma_query_value(None, name, |row| row.get(0)).map_err(|error| refused(path, &error))
    };
    let count = "SELECT count(*) FROM sqlite_master";
    let entries: i64 =
        connection.query_row(count, [], |row| row.get(0)).map_err(|error| refused(path, &error))?;
    match (pragma("application_id")?, pragma("user_version")?) {
        (0, 0) if entries == 0 => Ok(true),
        (APPLICATION_ID, 1..=VERSION) => Ok(false),
        (APPLICATION_ID, found) => {
            Err(OpenError::UnsupportedVersion { path: path.to_owned(), found, supported: VERSION })
        }
        _ => Err(OpenError::Foreign { path: path.to_owned() }),
    }
}

/// Looks for damage in the whole file.
fn check(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let verdict: String = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(|error| refused(path, &error))?;
    match verdict.as_str() {
        "ok" => Ok(()),
        problem => Err(damaged(path, problem)),
    }
}

/// Makes what is missing: all of it in a new database, the tables that came since in an older one.
fn create_layout(connection: &Connection) -> rusqlite::Result<()> {
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found == VERSION {
        return Ok(());
    }
    let mut sql = String::from("BEGIN IMMEDIATE;");
    for table in Table::ALL {
        sql += &format!(
            "CREATE TABLE IF NOT EXISTS {} (id TEXT PRIMARY KEY NOT NULL, json TEXT NOT NULL);",
            table.as_str()
        );
    }
    sql += "CREATE TABLE IF NOT EXISTS transcript_ops (n INTEGER PRIMARY KEY, op TEXT NOT NULL);";
    sql += &format!("PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version={VERSION}; COMMIT;");
    connection.execute_batch(&sql)
}

fn put_sql(table: Table) -> &'static str {
    match table {
        Table::Sessions => "INSERT OR REPLACE INTO sessions VALUES (?1, ?2)",
        Table::Turns => "INSERT OR REPLACE INTO turns VALUES (?1, ?2)",
        Table::Receipts => "INSERT OR REPLACE INTO receipts VALUES (?1, ?2)",
        Table::Devices => "INSERT OR REPLACE INTO devices VALUES (?1, ?2)",
        Table::Pairings => "INSERT OR REPLACE INTO pairings VALUES (?1, ?2)",
        Table::Facts => "INSERT OR REPLACE INTO facts VALUES (?1, ?2)",
        Table::Approvals => "INSERT OR REPLACE INTO approvals VALUES (?1, ?2)",
    }
}

fn delete_sql(table: Table) -> &'static str {
    match table {
        Table::Sessions => "DELETE FROM sessions WHERE id = ?1",
        Table::Turns => "DELETE FROM turns WHERE id = ?1",
        Table::Receipts => "DELETE FROM receipts WHERE id = ?1",
        Table::Devices => "DELETE FROM devices WHERE id = ?1",
        Table::Pairings => "DELETE FROM pairings WHERE id = ?1",
        Table::Facts => "DELETE FROM facts WHERE id = ?1",
        Table::Approvals => "DELETE FROM approvals WHERE id = ?1",
    }
}

/// What SQLite said, as an error a person can act on.
fn refused(path: &Path, error: &rusqlite::Error) -> OpenError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => damaged(path, &error.to_string()),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            OpenError::Locked { path: path.to_owned(), pid: None }
        }
        _ => OpenError::Io { message: format!("cannot open {}: {error}", path.display()) },
    }
}

fn damaged(path: &Path, problem: &str) -> OpenError {
    OpenError::Damaged {
        path: path.to_owned(),
        problem: problem.to_owned(),
        cure: format!(
            "restore it from a backup, or save what can be read with `sqlite3 {0} .recover`, \
             or move it away to start empty",
            path.display()
        ),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A connection as the backend uses it.
    pub(crate) fn configured(path: &Path, fsync: bool) -> Connection {
        let connection = Connection::open(path).unwrap();
        configure(&connection, Disk { fsync }).unwrap();
        connection
    }
}
