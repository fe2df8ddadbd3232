mod create_cluster;
mod delete_cluster;
mod list_clusters;
pub mod services;
mod show_cluster;
mod tasks;
