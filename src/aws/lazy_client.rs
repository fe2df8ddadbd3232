//! A client that is made when it is first used.

use std::sync::LazyLock;

use aws_config::SdkConfig;

/// A client that is made when it is first used: each SDK reads AWS's partitions for itself, and who does not need it shall
/// not wait for that.
pub(super) type LazyClient<C> = LazyLock<C, Box<dyn FnOnce() -> C + Send>>;

/// Takes the configuration of a client, and what makes it. Makes nothing yet.
pub(super) fn lazy<C>(
    config: &SdkConfig,
    make: impl FnOnce(&SdkConfig) -> C + Send + 'static,
) -> LazyClient<C> {
    let config = config.clone();
    LazyLock::new(Box::new(move || make(&config)))
}
