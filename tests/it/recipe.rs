//! Recipes as users have them: Dockerfiles that know nothing of this program.

mod ground;
mod motor;
mod working_folder;
