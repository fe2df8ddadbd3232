//! The one HTTP client of the process: one connector with one pool, for the clients of every service and account.

use std::sync::{Arc, LazyLock};
use std::thread;
use std::time::Duration;

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_runtime_api::client::http::{
    HttpConnectorSettings, SharedHttpClient, SharedHttpConnector, http_client_fn,
};

/// The time that AWS may take to accept a connection.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// The time that AWS may take to begin its answer.
pub(super) const READ_TIMEOUT: Duration = Duration::from_secs(6);

/// Creates the HTTP client, and begins to read the system's root certificates on a thread of its own.
///
/// The SDK's own client reads and parses them again for each service's client that is built on it, and before the first call.
/// Here it happens once, beside the rest of the start.
pub(super) fn client() -> SharedHttpClient {
    let connector = Arc::new(LazyLock::new(connect as fn() -> SharedHttpConnector));
    let ahead = Arc::clone(&connector);
    // Where this machine starts no thread, the first call reads the certificates.
    let _ = thread::Builder::new()
        .name("root certificates".to_owned())
        .spawn(move || drop(LazyLock::force(&ahead).clone()));
    // Every client has the same timeouts, so that the settings it asks for are those of the connector.
    http_client_fn(move |_settings, _components| LazyLock::force(&connector).clone())
}

/// Creates the connector. Calls nothing.
fn connect() -> SharedHttpConnector {
    let settings = HttpConnectorSettings::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .build();
    let connector = Connector::builder()
        .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
        .connector_settings(settings)
        .build();
    SharedHttpConnector::new(connector)
}
