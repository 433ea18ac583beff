//! An engine beside this machine's, to be stopped and filled up.
