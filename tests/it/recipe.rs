//! Recipes as users have them: Dockerfiles that know nothing of this program.

mod addresses;
mod arguments;
mod documents;
mod folders;
mod ground;
mod init;
mod instructions;
mod motor;
mod presence;
mod readme;
mod refused;
mod skipping;
mod stages;
mod warnings;
mod working_folder;

pub(crate) use ground::port;
