//! One core's whole world, as a synchronous state machine.
//!
//! A shard owns connections, sessions and runs. It is told what happened (`accepted`, `received`, `mail`, `tick`), and
//! answers with [`driver::Effect`]s. It never touches a socket, a thread or a clock, so the same shard runs under
//! io_uring, under epoll and in the simulator.

pub mod driver;
pub mod handshake;
pub mod limiter;
pub mod pairing;
pub mod presence;
