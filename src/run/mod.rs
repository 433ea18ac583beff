//! Executes a plan on an engine: events, ledger, logs, report.
