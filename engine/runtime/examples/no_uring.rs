//! Runs a command under a seccomp filter that answers io_uring's system calls with an error, as container runtimes do.
//!
//! `no_uring eperm|enosys|enter COMMAND [ARGS]`; `enter` refuses only `io_uring_enter`.
#![allow(unsafe_code, clippy::print_stderr, missing_docs)]

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

/// `seccomp_data`: the number is the first word, the architecture the second.
const NR: u32 = 0;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    let (Some(how), Some(command)) = (args.next(), args.next()) else {
        eprintln!("usage: no_uring eperm|enosys|enter COMMAND [ARGS]");
        return ExitCode::FAILURE;
    };
    let all = [libc::SYS_io_uring_setup, libc::SYS_io_uring_enter, libc::SYS_io_uring_register];
    let (errno, calls) = match how.to_str() {
        Some("eperm") => (libc::EPERM, &all[..]),
        Some("enosys") => (libc::ENOSYS, &all[..]),
        Some("enter") => (libc::EPERM, &all[1..2]),
        _ => {
            eprintln!("no such way to refuse: {}", how.display());
            return ExitCode::FAILURE;
        }
    };
    if let Err(error) = refuse(calls, errno) {
        eprintln!("cannot install the filter: {error}");
        return ExitCode::FAILURE;
    }
    let error = Command::new(&command).args(args).exec();
    eprintln!("cannot run {}: {error}", command.display());
    ExitCode::FAILURE
}

/// From here on, and in every program we become, `calls` fail with `errno`.
fn refuse(calls: &[libc::c_long], errno: i32) -> std::io::Result<()> {
    let op = |code: u32, jt: u8, jf: u8, k: u32| libc::sock_filter {
        code: u16::try_from(code).unwrap_or_default(),
        jt,
        jf,
        k,
    };
    let word = |number: i64| u32::try_from(number).unwrap_or_default();
    let mut filter = vec![op(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, NR)];
    for call in calls {
        // Equal: on to the refusal behind this line. Else: over it.
        filter.push(op(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 0, 1, word(*call)));
        filter.push(op(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ERRNO | word(i64::from(errno))));
    }
    filter.push(op(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ALLOW));
    let program = libc::sock_fprog {
        len: u16::try_from(filter.len()).unwrap_or_default(),
        filter: filter.as_mut_ptr(),
    };
    // SAFETY: plain numbers; lets an unprivileged process install a filter.
    if unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) } != 0 {
        return Err(std::io::Error::last_os_error());
    }
    // SAFETY: `program` names `filter`, both live through the call, and the kernel copies and checks them.
    match unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()),
    }
}
