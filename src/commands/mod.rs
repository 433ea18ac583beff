//! One file per verb: read, plan, act, print.
