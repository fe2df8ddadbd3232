//! `make bench`.

use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    ecs_api_bench::run().await
}
