//! The FCP port against a scripted queue: every arrival in every state, alone and with the whole machine behind it.

mod alone;
mod disk;
mod machine;
mod script;
