//! The system from outside: real processes, real HTTP, real files.

mod happy;
mod kill_points;
mod template_agrees;
