//! The orchestrated create and delete: a service with everything around it, by one request.

pub mod create;
mod create_body;
pub mod delete;
mod delete_target;
mod dry_run;
mod namespace;
mod short_form;

pub use create::CREATE;
pub use delete::DELETE;
