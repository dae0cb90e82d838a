use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use pincer_defender::host::{
    Alert, Baseline, Content, Drift, Field, Kind, OpenError, Severity, Unread, What, compare,
};

use super::watches::Watches;
use super::*;

/// Far beyond what any test takes; only a broken one waits for it.
const PATIENCE: Duration = Duration::from_secs(20);

struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    /// A tree `w` with a file, a folder with a file, a link, and beside it what is not watched.
    fn new() -> Place {
        let place = Place { dir: tempfile::tempdir().unwrap() };
        for dir in ["w", "w/d", "out"] {
            fs::create_dir(place.path(dir)).unwrap();
        }
        for (file, text) in [("w/f", "one"), ("w/d/g", "two"), ("out/secret", "three")] {
            fs::write(place.path(file), text).unwrap();
        }
        symlink("f", place.path("w/l")).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().canonicalize().unwrap().join(name)
    }

    fn config(&self) -> Config {
        Config { trees: vec![self.path("w")], ..Config::default() }
    }

    /// `severity path what`, of every difference.
    fn shown(&self, drift: &Drift) -> Vec<String> {
        let root = format!("{}/", self.path("").display()).replace("//", "/");
        let shown = drift.items.iter().map(|item| {
            let what = match &item.what {
                What::Changed(fields) => format!("{fields:?}"),
                other => format!("{other:?}"),
            };
            format!("{:?} {} {what}", item.severity, item.path.replace(&root, ""))
        });
        shown.collect()
    }
}

fn baseline(config: &Config) -> Baseline {
    let scanned = scan(config);
    assert_eq!(scanned.problems, Vec::<String>::new());
    Baseline::of(scanned.scan, 1).unwrap()
}

/// After `change` the drift is `expect`.
#[track_caller]
fn check(change: impl FnOnce(&Place), expect: &[&str]) {
    let place = Place::new();
    let config = place.config();
    let before = baseline(&config);
    change(&place);
    let drift = compare(&before, &scan(&config).scan, config.compare);
    assert_eq!(place.shown(&drift), expect);
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn what_a_scan_notes() {
    let place = Place::new();
    let scanned = scan(&place.config());
    let names: Vec<_> = scanned
        .scan
        .entries
        .iter()
        .map(|(path, entry)| {
            let kind = match &entry.kind {
                Kind::File { size, content: Content::Sha256(_) } => format!("file {size}"),
                Kind::Link { target } => format!("link {}", target.display()),
                other => format!("{other:?}"),
            };
            format!("{} {kind}", path.strip_prefix(place.path("")).unwrap().display())
        })
        .collect();
    assert_eq!(names, ["w Dir", "w/d Dir", "w/d/g file 3", "w/f file 3", "w/l link f"]);
    assert_eq!((scanned.totals.bytes, scanned.totals.entries, scanned.scan.cut), (6, 5, false));
}

#[test]
fn changes() {
    check(|_| {}, &[]);
    check(|at| fs::write(at.path("w/f"), "eno").unwrap(), &["Critical w/f [Content]"]);
    check(|at| fs::write(at.path("w/d/g"), "longer").unwrap(), &["Critical w/d/g [Content, Size]"]);
    check(|at| chmod(&at.path("w/f"), 0o4755), &["Critical w/f [Mode]"]);
    check(|at| chmod(&at.path("w/d"), 0o700), &["Warning w/d [Mode]"]);
    check(|at| fs::remove_file(at.path("w/f")).unwrap(), &["Warning w/f Missing"]);
    check(|at| fs::write(at.path("w/d/new"), "").unwrap(), &["Warning w/d/new New"]);
    check(
        |at| fs::rename(at.path("w/d"), at.path("w/e")).unwrap(),
        &["Warning w/d Missing", "Warning w/d/g Missing", "Warning w/e New", "Warning w/e/g New"],
    );
    check(
        |at| {
            fs::write(at.path("w/f.tmp"), "one").unwrap();
            chmod(&at.path("w/f.tmp"), fs::metadata(at.path("w/f")).unwrap().permissions().mode());
            fs::rename(at.path("w/f.tmp"), at.path("w/f")).unwrap();
        },
        &["Notice w/f [Inode]"],
    );
}

#[test]
fn links_are_noted_and_never_followed() {
    // What was there lives on elsewhere, so that its inode is not given to what comes.
    let replace = |at: &Place, name: &str, target: &Path| {
        fs::rename(at.path(name), at.path("out/old")).unwrap();
        symlink(target, at.path(name)).unwrap();
    };
    check(|at| replace(at, "w/l", Path::new("../out/secret")), &["Critical w/l [Target, Inode]"]);
    check(|at| replace(at, "w/f", Path::new("../out/secret")), &["Critical w/f [Kind, Mode, Inode]"]);
    check(
        |at| replace(at, "w/d", &at.path("out")),
        // Nothing of `out` is seen.
        &["Critical w/d [Kind, Mode, Inode]", "Warning w/d/g Missing"],
    );
}

#[test]
fn pipes_are_not_opened() {
    check(
        |at| {
            let mode = rustix::fs::Mode::from_raw_mode(0o600);
            let kind = rustix::fs::FileType::Fifo;
            // Opening it would wait for a writer for ever.
            rustix::fs::mknodat(rustix::fs::CWD, at.path("w/p"), kind, mode, 0).unwrap();
        },
        &["Warning w/p New"],
    );
}

#[test]
fn named_files_need_not_exist() {
    let place = Place::new();
    let files = vec![place.path("later/deep/x"), place.path("w/f"), place.path("out/secret")];
    let config = Config { files, ..Config::default() };
    let before = baseline(&config);
    assert_eq!(before.entries.len(), 2);
    fs::create_dir_all(place.path("later/deep")).unwrap();
    fs::write(place.path("later/deep/x"), "").unwrap();
    fs::write(place.path("w/unnamed"), "").unwrap();
    let drift = compare(&before, &scan(&config).scan, config.compare);
    assert_eq!(place.shown(&drift), ["Warning later/deep/x New"]);
}

#[test]
fn what_links_lead_to_can_be_watched() {
    let place = Place::new();
    let config = Config { files: vec![place.path("w/l")], ..Config::default() };
    assert_eq!(scan(&config).scan.entries.len(), 1);
    let config = config.follow_links();
    assert_eq!(config.files, [place.path("w/l"), place.path("w/f")]);
    assert_eq!(scan(&config).scan.entries.len(), 2);
}

#[test]
fn exclusions_and_relative_paths() {
    let place = Place::new();
    let mut config = place.config();
    config.exclude = vec![place.path("w/d")];
    config.trees.push("relative".into());
    config.files.push(place.path("w/d/g"));
    let scanned = scan(&config);
    assert!(!scanned.scan.entries.contains_key(&place.path("w/d")));
    assert!(scanned.scan.entries.contains_key(&place.path("w/d/g")), "named is named");
    assert_eq!(scanned.scan.roots.len(), 2);
}

#[test]
fn bounds() {
    let place = Place::new();
    for number in 0..50 {
        fs::write(place.path(&format!("w/d/{number:02}")), "0123456789").unwrap();
    }
    fs::create_dir_all(place.path("w/a/b/c")).unwrap();
    let with = |limits: ScanLimits| scan(&Config { limits, ..place.config() });
    let usual = ScanLimits::default();
    assert!(!with(usual).scan.cut);
    let few = with(ScanLimits { entries_max: 10, ..usual });
    assert_eq!((few.scan.entries.len(), few.scan.cut), (10, true));
    assert_eq!(few.problems.len(), 1, "{:?}", few.problems);
    assert!(Baseline::of(few.scan, 0).is_err());
    let shallow = with(ScanLimits { depth_max: 2, ..usual });
    assert!(shallow.scan.cut && !shallow.scan.entries.contains_key(&place.path("w/a/b/c")));
    let short = with(ScanLimits { bytes_max: 100, ..usual });
    assert!(short.scan.cut && short.totals.bytes <= 100);
    assert!(short.scan.entries.len() > 50, "all are noted");
    let small = with(ScanLimits { file_bytes_max: 5, ..usual });
    let entry = small.scan.entries.get(&place.path("w/d/07")).unwrap();
    assert!(matches!(entry.kind, Kind::File { size: 10, content: Content::Unread(Unread::TooLarge) }));
    assert!(!small.scan.cut);
}

#[test]
fn a_file_that_is_never_what_it_says_is_unstable() {
    // Its size is zero, and it has content.
    let file = PathBuf::from("/proc/self/status");
    let scanned = scan(&Config { files: vec![file.clone()], ..Config::default() });
    let kind = &scanned.scan.entries.get(&file).unwrap().kind;
    assert!(matches!(kind, Kind::File { content: Content::Unread(Unread::Unstable), .. }), "{kind:?}");
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn keys_are_kept_to_ourselves() {
    let place = Place::new();
    let path = place.path("key");
    assert!(load_key(&path).unwrap().is_none());
    let key = load_or_create_key(&path).unwrap();
    assert_eq!(mode(&path), 0o600);
    assert_eq!(load_or_create_key(&path).unwrap().public(), key.public());
    chmod(&path, 0o640);
    assert!(matches!(load_or_create_key(&path), Err(LoadError::Exposed { .. })));
    chmod(&path, 0o600);
    fs::write(&path, "half a key").unwrap();
    assert!(matches!(load_or_create_key(&path), Err(LoadError::Damaged { .. })));
    assert_eq!(fs::read_to_string(&path).unwrap(), "half a key", "never replaced in silence");
    fs::remove_file(&path).unwrap();
    symlink(place.path("out/secret"), &path).unwrap();
    assert!(matches!(load_or_create_key(&path), Err(LoadError::Io { .. })));
}

#[test]
fn baselines_are_kept_and_damage_is_refused() {
    let place = Place::new();
    let (path, key) = (place.path("baseline"), load_or_create_key(&place.path("key")).unwrap());
    assert!(load_baseline(&path, &key.public()).unwrap().is_none());
    let made = baseline(&place.config());
    // What somebody put in the way is not written through.
    symlink(place.path("out/secret"), place.path("baseline.tmp")).unwrap();
    save_baseline(&path, &made, &key).unwrap();
    assert_eq!(mode(&path), 0o600);
    assert_eq!(fs::read_to_string(place.path("out/secret")).unwrap(), "three");
    assert_eq!(load_baseline(&path, &key.public()).unwrap(), Some(made));
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let refused = load_baseline(&path, &key.public());
    assert!(matches!(refused, Err(LoadError::Refused { why: OpenError::BadSignature, .. })), "{refused:?}");
    let nowhere = place.path("none/baseline");
    assert!(save_baseline(&nowhere, &baseline(&place.config()), &key).is_err());
}

#[test]
fn an_alert_survives_a_restart() {
    let place = Place::new();
    let path = place.path("alert");
    assert_eq!(load_alert(&path).unwrap(), Alert::default());
    let mut alert = Alert::default();
    alert.observe(&Drift { severity: Some(Severity::Warning), cut: true, ..Drift::default() }, 5);
    save_alert(&path, &alert).unwrap();
    assert_eq!(load_alert(&path).unwrap(), alert);
    fs::write(&path, "{").unwrap();
    assert!(matches!(load_alert(&path), Err(LoadError::Damaged { .. })));
}

/// A watcher and what it reports.
struct Guard {
    watcher: Watcher,
    reports: Receiver<IntegrityReport>,
}

impl Guard {
    fn start(config: Config) -> Guard {
        let before = baseline(&config);
        Guard::with(config, before)
    }

    fn with(config: Config, before: Baseline) -> Guard {
        let config = Config { debounce: Duration::from_millis(10), ..config };
        let (tell, reports) = channel();
        let watcher = Watcher::start(config, before, move |report| {
            let _ = tell.send(report);
        });
        let guard = Guard { watcher: watcher.unwrap(), reports };
        assert_eq!(guard.next().cause, Cause::Start);
        guard
    }

    fn next(&self) -> IntegrityReport {
        self.reports.recv_timeout(PATIENCE).expect("a report")
    }

    /// Waits until the drift is `expect`: a change may be seen half done.
    #[track_caller]
    fn sees(&self, place: &Place, expect: &[&str]) -> IntegrityReport {
        let mut last = Vec::new();
        for _ in 0..100 {
            let Ok(report) = self.reports.recv_timeout(PATIENCE) else { break };
            last = place.shown(&report.drift);
            if last == expect {
                return report;
            }
        }
        panic!("{last:?} and not {expect:?}");
    }
}

#[test]
fn the_kernel_tells_of_changes() {
    let place = Place::new();
    let guard = Guard::start(place.config());
    fs::write(place.path("w/f"), "eno").unwrap();
    let report = guard.sees(&place, &["Critical w/f [Content]"]);
    assert_eq!((report.cause, report.problems), (Cause::Change, Vec::new()));
    fs::write(place.path("w/f"), "one").unwrap();
    guard.sees(&place, &[]);
    chmod(&place.path("w/d/g"), 0o666);
    guard.sees(&place, &["Critical w/d/g [Mode]"]);
    fs::remove_file(place.path("w/d/g")).unwrap();
    guard.sees(&place, &["Warning w/d/g Missing"]);
}

#[test]
fn new_folders_are_watched_too() {
    let place = Place::new();
    let guard = Guard::start(place.config());
    fs::create_dir(place.path("w/n")).unwrap();
    guard.sees(&place, &["Warning w/n New"]);
    fs::create_dir(place.path("w/n/m")).unwrap();
    guard.sees(&place, &["Warning w/n New", "Warning w/n/m New"]);
    fs::write(place.path("w/n/m/x"), "").unwrap();
    guard.sees(&place, &["Warning w/n New", "Warning w/n/m New", "Warning w/n/m/x New"]);
    fs::remove_dir_all(place.path("w/n")).unwrap();
    guard.sees(&place, &[]);
}

#[test]
fn what_is_missing_at_start_is_watched() {
    let place = Place::new();
    let (files, trees) = (vec![place.path("later/deep/x")], vec![place.path("tree")]);
    let guard = Guard::start(Config { files, trees, ..Config::default() });
    fs::create_dir_all(place.path("later/deep")).unwrap();
    fs::write(place.path("later/deep/x"), "1").unwrap();
    guard.sees(&place, &["Warning later/deep/x New"]);
    fs::create_dir(place.path("tree")).unwrap();
    guard.sees(&place, &["Warning later/deep/x New", "Warning tree New"]);
    fs::write(place.path("tree/y"), "1").unwrap();
    guard.sees(&place, &["Warning later/deep/x New", "Warning tree New", "Warning tree/y New"]);
}

#[test]
fn a_named_file_may_be_replaced_and_its_neighbours_do_not_matter() {
    let place = Place::new();
    let guard = Guard::start(Config { files: vec![place.path("w/f")], ..Config::default() });
    for number in 0..20 {
        fs::write(place.path("w/busy"), number.to_string()).unwrap();
    }
    guard.watcher.check();
    let report = guard.next();
    assert_eq!((report.cause, place.shown(&report.drift)), (Cause::Asked, vec![]));
    fs::write(place.path("w/f.new"), "other").unwrap();
    chmod(&place.path("w/f.new"), mode(&place.path("w/f")));
    fs::rename(place.path("w/f.new"), place.path("w/f")).unwrap();
    guard.sees(&place, &["Critical w/f [Content, Size, Inode]"]);
}

#[test]
fn the_timer_tells_without_inotify() {
    let place = Place::new();
    let mut config = place.config();
    config.limits.watches_max = 0;
    config.rescan_every = Duration::ZERO;
    let before = baseline(&config);
    let (tell, reports) = channel();
    let watcher = Watcher::start(config, before, move |report| {
        let _ = tell.send(report);
    });
    let guard = Guard { watcher: watcher.unwrap(), reports };
    assert!(guard.next().problems.first().is_some_and(|problem| problem.contains("too many")));
    fs::write(place.path("w/f"), "eno").unwrap();
    assert_eq!(guard.sees(&place, &["Critical w/f [Content]"]).cause, Cause::Timer);
}

#[test]
fn a_new_baseline_takes_over() {
    let place = Place::new();
    let config = place.config();
    let guard = Guard::start(config.clone());
    fs::write(place.path("w/f"), "eno").unwrap();
    guard.sees(&place, &["Critical w/f [Content]"]);
    guard.watcher.rebase(baseline(&config));
    assert_eq!(guard.sees(&place, &[]).cause, Cause::Rebased);
}

#[test]
fn dropping_ends_the_thread() {
    let place = Place::new();
    // Sparse: nothing on the disk, and long to read.
    let huge = File::create(place.path("w/huge")).unwrap();
    let config = place.config();
    let before = baseline(&config);
    huge.set_len(1 << 30).unwrap();
    let (tell, reports) = channel();
    let watcher = Watcher::start(config, before, move |report: IntegrityReport| {
        let _ = tell.send(report.cause);
    });
    drop(watcher.unwrap());
    // Either it had looked, or it was stopped before it had; nothing is told of half a look.
    assert!(reports.iter().all(|cause| cause == Cause::Start));
}

#[test]
fn lost_events_are_told() {
    let setting = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
    let queue: u64 = setting.trim().parse().unwrap();
    if queue > 200_000 {
        return;
    }
    let place = Place::new();
    let config = place.config();
    let mut watches = Watches::new().unwrap();
    let mut problems = Vec::new();
    assert!(watches.arm(&config, &scan(&config).scan, &mut problems), "all is fresh");
    assert!(!watches.arm(&config, &scan(&config).scan, &mut problems));
    assert_eq!(problems, Vec::<String>::new());
    assert!(!watches.take(&config).changed, "looking is no change");
    for _ in 0..=queue / 2 {
        // In turn: the kernel joins equal events that follow each other.
        chmod(&place.path("w/f"), 0o600);
        chmod(&place.path("w/d/g"), 0o600);
    }
    let mut overflow = false;
    for _ in 0..=queue {
        overflow |= watches.take(&config).overflow;
    }
    assert!(overflow);
}

#[test]
fn fields_read_as_words() {
    // What the command line and events show.
    let json = serde_json::to_string(&What::Changed(vec![Field::Content, Field::Owner])).unwrap();
    assert_eq!(json, "{\"changed\":[\"content\",\"owner\"]}");
}
