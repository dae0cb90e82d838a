//! Behaviour of both backends: the same tests run over each.

mod behaviour;
mod support;
