//! What the program says of a project's files: each kind of problem, and the plan.

mod plan;
mod problems;
