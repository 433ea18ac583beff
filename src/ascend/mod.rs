//! File-name grammar, official catalogue, what goes together. Pure.
