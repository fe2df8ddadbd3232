mod deregister_task_definition;
mod list_task_definitions;
mod register_task_definition;
mod show_task_definition;
