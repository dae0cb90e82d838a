//! Behaviour of both backends: the same tests run over each.

mod behaviour;
mod crash;
mod damage;
mod power;
mod process;
mod support;
