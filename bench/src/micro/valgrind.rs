//! Tells callgrind when to begin.
//!
//! Setting up a shard with a hundred thousand sessions takes many times longer than listing them, and ten times longer
//! again while every instruction is looked at. Callgrind starts blind and is told to look when the set-up is done. It is
//! told by a few rotations that come to nothing on a processor, and that valgrind knows: its documented client request.
#![allow(unsafe_code, reason = "a client request is made of machine instructions")]

/// `CALLGRIND_START_INSTRUMENTATION` of callgrind.h: tool "CT", request 4.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
const START_INSTRUMENTATION: u64 = ((b'C' as u64) << 24 | (b'T' as u64) << 16) + 4;

/// Whether [`begin`] does anything here; where not, callgrind has to look from the start.
pub(super) const CAN_BEGIN: bool = cfg!(all(target_arch = "x86_64", target_os = "linux"));

/// From here on callgrind counts what its options say. Without callgrind it does nothing.
pub(super) fn begin() {
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    {
        let request: [u64; 6] = [START_INSTRUMENTATION, 0, 0, 0, 0, 0];
        // SAFETY: the rotations of rdi add up to 128 bits, so it is what it was, and exchanging a register with itself
        // changes nothing. Under valgrind the request is read from the array, and rdx is written.
        unsafe {
            std::arch::asm!(
                "rol rdi, 3",
                "rol rdi, 13",
                "rol rdi, 61",
                "rol rdi, 51",
                "xchg rbx, rbx",
                in("rax") request.as_ptr(),
                inout("rdx") 0u64 => _,
                options(nostack),
            );
        }
    }
}
