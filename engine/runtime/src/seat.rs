//! What a backend is given to run one shard.

use std::net::TcpListener;
use std::sync::Arc;

use pincer_shard::driver::{Core, ShardId};

use crate::clock::Clock;
use crate::gauges::ShardGauges;
use crate::mesh::Mesh;
use crate::ports::Ports;

/// Everything of one shard, made on the starting thread and handed to its own.
pub(crate) struct Seat<C: Core> {
    pub(crate) shard: ShardId,
    pub(crate) core: C,
    pub(crate) ports: Ports<C::Message>,
    pub(crate) mesh: Arc<Mesh<C::Message>>,
    pub(crate) listeners: Vec<TcpListener>,
    pub(crate) clock: Clock,
    pub(crate) gauges: Arc<ShardGauges>,
}
