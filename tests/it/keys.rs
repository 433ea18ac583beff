//! A stage's key changes exactly when what decides its content does, and the reason says what did.
//!
//! Each case changes one thing of the same project and names the stages whose
//! keys must become others, with the reason of the first of them.

mod elsewhere;
mod places;
mod recipes;
mod things;
mod words;
mod world;
