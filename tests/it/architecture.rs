//! The import directions of the rooms.
