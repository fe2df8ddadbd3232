//! A client that is made when it is first used.

use std::sync::LazyLock;

/// A client that is made when it is first used: each SDK reads AWS's partitions for itself, and a request or a start that
/// does not need it shall not wait for that.
pub(super) type LazyClient<C> = LazyLock<C, Box<dyn FnOnce() -> C + Send>>;
