//! `attache doctor`, as a process: each misconfiguration is switched on by name, at stand-ins of this test or in a local run, and doctor
//! finds that one and no other. (The functions' binaries are needed for the local run only.)

mod account;
mod home;
mod platforms;
mod stack;
mod system;
mod tls;
mod webhooks;
