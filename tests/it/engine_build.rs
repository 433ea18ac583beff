//! Whole builds on a real engine, with both builders.
