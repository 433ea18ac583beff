//! Terminal and JSON output: the only room that prints.
