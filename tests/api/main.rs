//! The API through its front door: events into `App`, real SDK clients, the local AWS.
//!
//! The modules mirror the paths below `/v1/ecs`; what belongs to every path stands beside them. Each test has
//! accounts of its own, so that all run side by side against one local AWS.

#![expect(
    clippy::too_many_lines,
    reason = "an inline snapshot is as long as the answer"
)]

mod support;

mod accounts;
mod answers_back;
mod attribution;
mod bodies;
mod callers;
mod captured;
mod check_config;
mod claims;
mod cleanup;
mod clusters;
mod config_push;
mod configuration;
mod deployed;
mod depths;
mod docs;
mod documents;
mod events;
mod fake_aws;
mod fault_matrix;
mod fuzz_corpus;
mod http;
mod keys;
mod known_breaks;
mod limits;
mod log_groups;
mod memory;
mod meta;
mod metrics;
mod openapi;
mod operations;
mod package;
mod readiness;
mod retries;
mod rooms;
mod search;
mod secrets;
mod servicediscovery;
mod services;
mod smoke;
mod start;
mod strict_aws;
mod tags;
mod taskdefs;
mod templates;
mod two_processes;
mod ways_in;
