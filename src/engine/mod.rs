//! What builds: the only room that knows bollard.
