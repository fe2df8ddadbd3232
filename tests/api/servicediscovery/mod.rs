mod create_registry;
mod delete_registry;
mod list_registries;
mod show_registry;
