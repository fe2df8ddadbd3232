//! Stamps the build: `GET /v1/ecs/version` answers what is set here.
//!
//! Outside a git checkout (a source archive) the hash is vergen's placeholder, and `SOURCE_DATE_EPOCH`
//! fixes the time for reproducible builds.

use vergen_gitcl::{Build, Emitter, Gitcl};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    Emitter::default()
        .default_on_error()
        .add_instructions(&Build::builder().build_timestamp(true).build())?
        .add_instructions(&Gitcl::builder().sha(false).build())?
        .emit()?;
    Ok(())
}
