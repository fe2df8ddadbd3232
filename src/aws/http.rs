//! The one HTTP client of the process: one connector with one pool, for the clients of every service and account.

use std::sync::LazyLock;
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

/// Creates the HTTP client. The first call through it reads the system's root certificates, once for all.
///
/// The SDK's own client reads and parses them again for each service's client that is built on it.
pub(super) fn client() -> SharedHttpClient {
    let connector = LazyLock::new(connect as fn() -> SharedHttpConnector);
    // Every client has the same timeouts, so that the settings it asks for are those of the connector.
    http_client_fn(move |_settings, _components| connector.clone())
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
