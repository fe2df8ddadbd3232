mod create_cluster;
mod delete_cluster;
mod list_clusters;
mod show_cluster;
